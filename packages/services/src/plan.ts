import type { PlanEntry } from '@podwire/kube';
import type { SetElement, Table } from '@podwire/nft';
import { baseChains } from './base-chains.ts';
import { choiceChains } from './choice-chains.ts';
import { declareSet, MAX_SLOTS, SET_NAMES, type SetName, TABLE } from './layout.ts';
import type { ServiceModel, ServicesModel } from './model.ts';
import { ADDRESS_KINDS, type EntryPlan, planService, type ServicePlan } from './service-plan.ts';

/** What a node's service proxy wants, as data. */
export interface Desired {
  readonly table: Table;
  readonly entries: readonly PlanEntry[];
  /** What could not be had, for people. */
  readonly problems: readonly string[];
  /** Per UDP entry (`10.96.0.10 udp 53`) the endpoints its connections may lead to. */
  readonly udp: ReadonlyMap<string, readonly string[]>;
}

/** Pure and deterministic; the order of `model.services` does not matter. */
export function plan(model: ServicesModel): Desired {
  return assemble(
    model,
    model.services.map((service) => planService(service, model.node)),
    tooMany(model.services),
  );
}

/** Joins the services' plans, which may come from a cache, into the one table. */
export function assemble(
  model: Omit<ServicesModel, 'services'>,
  services: Iterable<ServicePlan>,
  problems: readonly string[] = [],
): Desired {
  const sorted = [...services].sort((a, b) => (a.service < b.service ? -1 : a.service > b.service ? 1 : 0));
  const { winners, conflicts } = settle(sorted.flatMap((service) => service.entries));
  const elements = new Map<SetName, SetElement[]>(SET_NAMES.map((name) => [name, []]));
  const add = (set: SetName, element: SetElement): unknown => elements.get(set)?.push(element);
  for (const entry of winners) for (const [set, element] of entry.elements) add(set, element);
  const addAll = (set: SetName, values: Iterable<string>): void => {
    for (const value of new Set(values)) add(set, { key: [value] });
  };
  addAll(
    'cluster-ips',
    sorted.flatMap((service) => service.clusterAddresses),
  );
  addAll('foreign-ips', model.foreignAddresses);
  addAll(
    'external-ips',
    winners.filter((entry) => entry.kind !== 'cluster IP').map((entry) => entry.address),
  );
  addAll('pod-cidrs', model.cluster.podCidrs);
  addAll('node-pod-cidrs', model.node.podCidrs);
  addAll('service-cidrs', model.cluster.serviceCidrs);
  for (const address of new Set(sorted.flatMap((service) => service.hairpins)))
    add('hairpin', { key: [address, address] });
  const { chains, count } = choiceChains(winners.flatMap((entry) => entry.choices));
  const sets = SET_NAMES.map((name) => declareSet(name, elements.get(name) ?? []));
  return {
    table: { ...TABLE, sets: [...sets, count], chains: [...chains, ...baseChains(model.node)] },
    entries: winners.map(({ what, why }) => ({ what, why })),
    problems: [...problems, ...conflicts],
    udp: new Map(winners.filter((entry) => entry.protocol === 'udp').map((entry) => [entry.id, entry.endpoints])),
  };
}

/** Of several entries for one address, protocol and port the first kind wins, then the first service by name. */
function settle(entries: readonly EntryPlan[]): { winners: EntryPlan[]; conflicts: string[] } {
  const winners = new Map<string, EntryPlan>();
  const conflicts: string[] = [];
  for (const kind of ADDRESS_KINDS) {
    for (const entry of entries) {
      if (entry.kind !== kind) continue;
      const winner = winners.get(entry.id);
      if (winner)
        conflicts.push(`${entry.why}: its ${kind} ${entry.id} belongs to ${winner.why} already; change one of them`);
      else winners.set(entry.id, entry);
    }
  }
  return { winners: [...winners.values()], conflicts };
}

/** One line per port with more endpoints than there are slots. */
export function tooMany(services: Iterable<ServiceModel>): string[] {
  const lines: string[] = [];
  for (const { namespace, name, ports } of services)
    for (const { port, endpoints } of ports)
      if (endpoints.length > MAX_SLOTS)
        lines.push(
          `Service ${namespace}/${name} port ${port}: ${endpoints.length} endpoints, of which ${MAX_SLOTS} are used; split the service`,
        );
  return lines;
}
