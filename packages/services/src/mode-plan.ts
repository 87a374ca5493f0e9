import type { PlanEntry } from '@podwire/kube';
import { annotationLimits } from './annotations.ts';
import { compareText } from './compare-text.ts';
import { keyOf, type ServicesModel, type ServicesView } from './model.ts';
import type { ProxyMode } from './proxy.ts';
import { slowStartLimits } from './slow-start.ts';

/** What a node should have, and why; what cannot be had of what is asked, one line each. */
export interface ModePlan {
  readonly entries: readonly PlanEntry[];
  readonly problems: readonly string[];
}

/** Loaded when asked for, like the modes themselves. */
const PLANNERS: Readonly<Record<ProxyMode, (model: ServicesModel) => Promise<ModePlan>>> = {
  nftables: async (model) => (await import('./nftables/plan.ts')).plan(model),
  iptables: planIptables,
  ipvs: async (model) => (await import('./ipvs/plan.ts')).plan(viewOf(model)),
  userspace: async (model) => {
    const { limitsOf, plan } = await import('./userspace/plan.ts');
    const { entries, problems } = plan(viewOf(model));
    return { entries, problems: [...problems, ...limitsOf(viewOf(model))] };
  },
  ebpf: planEbpf,
};

async function planIptables(model: ServicesModel): Promise<ModePlan> {
  const [{ plan }, { BALANCES, limitsOf }] = await Promise.all([
    import('./iptables/plan.ts'),
    import('./iptables/limits.ts'),
  ]);
  const { describeEntry } = await import('./entry.ts');
  const families = (['ipv4', 'ipv6'] as const).map((family) => plan(model, family));
  return {
    entries: families.flatMap(({ entries }) =>
      entries.map((one) => ({ what: describeEntry(one, BALANCES), why: one.why })),
    ),
    problems: [...families.flatMap(({ problems }) => problems), ...limitsOf(model.services, model.node)],
  };
}

async function planEbpf(model: ServicesModel): Promise<ModePlan> {
  const [{ SocketPlan, describeEntry }, { limitsOf }, { plan }] = await Promise.all([
    import('./ebpf/plan.ts'),
    import('./ebpf/limits.ts'),
    import('./nftables/plan.ts'),
  ]);
  const sockets = new SocketPlan();
  sockets.update(viewOf(model), 'all');
  const packets = plan(model);
  return {
    entries: [...sockets.entries.map(describeEntry), ...packets.entries],
    problems: [...limitsOf(model.services, model), ...packets.conflicts],
  };
}

/** Pure but for loading the mode: no kernel, no clock; the order of `model.services` does not matter. */
export async function planMode(mode: ProxyMode, model: ServicesModel): Promise<ModePlan> {
  const { entries, problems } = await PLANNERS[mode](model);
  return {
    entries: sortEntries(entries),
    problems: [...problems, ...annotationLimits(model.services), ...slowStartLimits(model.services)].sort(),
  };
}

/** By the Service they are for, so that a change of one Service changes lines that stand together. */
export function sortEntries(entries: readonly PlanEntry[]): PlanEntry[] {
  return [...entries].sort((a, b) => compareText(a.why, b.why) || compareText(a.what, b.what));
}

function viewOf({ cluster, node, services, foreignAddresses, peers }: ServicesModel): ServicesView {
  return {
    ...{ cluster, node, peers },
    services: new Map(services.map((service) => [keyOf(service), service])),
    foreign: new Map([['', foreignAddresses]]),
  };
}
