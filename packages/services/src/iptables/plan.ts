import type { Family } from '@podwire/base';
import { conflictsOf } from '../claims.ts';
import type { Entry } from '../entry.ts';
import { familiesOf, isRoutable, keyOf, ofFamily, type ServicesModel, type ServicesView } from '../model.ts';
import { baseChains } from './base-rules.ts';
import type { Chains } from './chain-change.ts';
import { FamilyChains, type Frame } from './family-chains.ts';
import { rule } from './rule.ts';
import { type PlacedRule, planForeign, planService, type ServicePlan, type Where } from './service-plan.ts';

/** What a node's service proxy wants in one family, as data. */
export interface Desired {
  /** Every chain of ours, and our rules in the kernel's chains. */
  readonly chains: Chains;
  readonly entries: readonly Entry[];
  /** What could not be had, for people. */
  readonly problems: readonly string[];
}

/** Pure and deterministic; the order of `model.services` does not matter. */
export function plan(model: ServicesModel, family: Family): Desired {
  const { services, foreignAddresses } = model;
  const chains = planFamily(
    {
      ...model,
      services: new Map(services.map((service) => [keyOf(service), service])),
      foreign: new Map([['', foreignAddresses]]),
    },
    family,
  );
  return {
    chains: chains?.chains() ?? new Map(),
    entries: chains?.entries().map(({ entry }) => entry) ?? [],
    problems: chains ? conflictsOf(chains.claims) : [],
  };
}

/** Nothing where the cluster has no addresses of the family: whatever is ours goes. */
export function planFamily(view: ServicesView, family: Family): FamilyChains | undefined {
  if (!familiesOf(view.cluster).includes(family)) return undefined;
  const keys = new Set([...view.services.keys(), ...view.foreign.keys()]);
  const plans = new Map<string, ServicePlan>();
  for (const [key, plan] of planKeys(view, family, keys)) if (plan) plans.set(key, plan);
  return new FamilyChains(planFrame({ cluster: view.cluster, node: view.node, family }), plans);
}

/** What names of services stand for in a family; also of those that another proxy serves. */
export function planKeys(
  { cluster, node, services, foreign }: ServicesView,
  family: Family,
  keys: Iterable<string>,
): Map<string, ServicePlan | undefined> {
  const where: Where = { cluster, node, family };
  const plans = new Map<string, ServicePlan | undefined>();
  for (const key of keys) {
    const [service, addresses] = [services.get(key), foreign.get(key)];
    plans.set(key, service ? planService(service, where) : addresses && planForeign(key, addresses, where));
  }
  return plans;
}

function planFrame(where: Where): Frame {
  const { cluster, node, family } = where;
  const ranges = ofFamily(cluster.serviceCidrs, family);
  const notAllocated = { comment: 'not allocated', match: '-m addrtype ! --dst-type LOCAL', jump: 'DROP' };
  // those at loopback addresses are for the node alone: base-rules.ts
  const nodePorts = ofFamily(node.nodePortAddresses, family)
    .filter(isRoutable)
    .map((destination) => rule({ destination, comment: 'node ports', jump: 'KUBE-NODEPORTS' }));
  return {
    chains: baseChains(where),
    before: ranges.map((destination) => ['filter KUBE-SERVICES', rule({ destination, jump: 'KUBE-CLUSTER-IPS' })]),
    after: [
      ...nodePorts.map((one): PlacedRule => ['nat KUBE-SERVICES', one]),
      ...ranges.map((destination): PlacedRule => ['filter KUBE-CLUSTER-IPS', rule({ ...notAllocated, destination })]),
    ],
  };
}
