import type { Family } from '@podwire/base';
import type { PlanEntry } from '@podwire/kube';
import type { SetElement, Table } from '@podwire/nft';
import { conflictsOf } from '../claims.ts';
import { noDirectReturn } from '../direct-return.ts';
import { familiesOf, isOf, keyOf, ofFamily, type ServiceModel, type ServicesView, titleOf } from '../model.ts';
import { planConstants, planForeign } from '../ruleset/constants.ts';
import type { ServicePlan } from '../ruleset/service-plan.ts';
import { Settlement } from '../ruleset/settlement.ts';
import { chains } from './chains.ts';
import { declareSets, TABLES } from './layout.ts';
import type { ListenerPlan, PortOf } from './listener-plan.ts';
import { planService, type RelayPlan } from './service-plan.ts';

/** What a node relays, as data. Pure and deterministic; ports of listeners are the kernel's choice. */
export interface Desired {
  readonly listeners: readonly ListenerPlan[];
  readonly entries: readonly PlanEntry[];
  /** What is wrong, for people. */
  readonly problems: readonly string[];
}

export function plan(view: ServicesView): Desired {
  const planned = familiesOf(view.cluster).map((family) => {
    const relays = [...view.services.keys()].sort().flatMap((key) => planKey(view, key, family) ?? []);
    return { relays, settlement: new Settlement(relays.map((one) => one.elements(() => 1))) };
  });
  return {
    listeners: planned.flatMap(({ relays }) => relays.flatMap(({ listeners }) => listeners)),
    entries: planned.flatMap(({ settlement }) => settlement.winners().map((entry) => entry.describe())),
    problems: [...unaddressed(view), ...planned.flatMap(({ settlement }) => conflictsOf(settlement))],
  };
}

/** What a name of a service stands for in a family; also one that another proxy serves. */
export function planKey(
  { cluster, services, foreign, node }: ServicesView,
  key: string,
  family: Family,
): RelayPlan | undefined {
  const service = services.get(key);
  if (service) return planService(service, { cluster, node, family });
  const addresses = foreign.get(key);
  return addresses && { listeners: [], elements: () => planForeign(key, addresses, family) };
}

/** Everything of a family; `planned` in the order in which services win. */
export function settle(view: ServicesView, family: Family, planned: Iterable<ServicePlan>): Settlement {
  return new Settlement([planConstants(view, family), ...planned]);
}

export function tableOf(
  settlement: Settlement,
  family: Family,
  { listeners, portOf }: { readonly listeners: ReadonlyMap<string, ListenerPlan>; readonly portOf: PortOf },
): Table {
  const elements = [...listeners.values()].flatMap((listener) => listenerElement(listener, family, portOf));
  return { ...TABLES[family], sets: declareSets(family, settlement.elements(), elements), chains: chains(family) };
}

/** The element of set `listeners` that is about it; none for the other family, or while it is not open. */
export function listenerElement({ id, address, protocol }: ListenerPlan, family: Family, portOf: PortOf): SetElement[] {
  const port = portOf(id);
  return port && isOf(address, family) ? [{ key: [address, protocol, port] }] : [];
}

/** Families in which the node has no address for listeners. */
export function unaddressed({ cluster, node, services }: ServicesView): string[] {
  return familiesOf(cluster)
    .filter((family) => services.size > 0 && ofFamily(node.addresses, family).length === 0)
    .map(
      (family) =>
        `node ${node.name} has no ${family === 'ipv4' ? 'IPv4' : 'IPv6'} InternalIP, so nothing is relayed in that family; give it one`,
    );
}

/** One line per wish that this mode cannot fulfil. */
export const limitsOf = ({ services }: Pick<ServicesView, 'services'>): string[] =>
  [...services.values()].flatMap(serviceLimits);

function serviceLimits(service: ServiceModel): string[] {
  const refused = service.ports
    .filter(({ protocol }) => protocol === 'sctp')
    .map(
      ({ port }) =>
        `${titleOf(keyOf(service))} port ${port}: mode userspace cannot relay SCTP and refuses it; choose another mode`,
    );
  return [...refused, ...noDirectReturn(service, 'userspace')];
}
