import type { PlanEntry } from '@podwire/kube';
import type { SetElement, Table } from '@podwire/nft';
import type { ServiceModel, ServicesModel } from '../model.ts';
import { baseChains } from './base-chains.ts';
import { type ChoiceChains, choiceChains } from './choice-chains.ts';
import { declareSet, MAX_SLOTS, SET_NAMES, type SetName, TABLE } from './layout.ts';
import { ADDRESS_KINDS, type EntryPlan, type PlannedElement, planService, type ServicePlan } from './service-plan.ts';

/** What a node's service proxy wants, as data. */
export interface Desired {
  readonly table: Table;
  readonly entries: readonly PlanEntry[];
  /** What could not be had, for people. */
  readonly problems: readonly string[];
  /** Per UDP entry (`10.96.0.10 udp 53`) the endpoints its connections may lead to. */
  readonly udp: ReadonlyMap<string, readonly string[]>;
  readonly choices: ChoiceChains;
}

/** Pure and deterministic; the order of `model.services` does not matter. */
export function plan(model: ServicesModel): Desired {
  return assemble(model, {
    services: model.services.map((service) => planService(service, model.node)),
    problems: tooMany(model.services),
  });
}

export interface Parts {
  /** They may come from a cache. */
  readonly services: Iterable<ServicePlan>;
  readonly problems?: readonly string[];
  /** What is the same as there is the same object afterwards, which makes the diff cheap. */
  readonly previous?: Desired | undefined;
}

/** Joins the services' plans into the one table. */
export function assemble(model: Omit<ServicesModel, 'services'>, parts: Parts): Desired {
  const { previous, problems = [] } = parts;
  const services = [...parts.services].sort((a, b) => (a.service < b.service ? -1 : a.service > b.service ? 1 : 0));
  const { winners, conflicts } = settle(services.flatMap((service) => service.entries));
  const elements = collect(services, winners, constants(model));
  const choices = choiceChains(
    winners.flatMap((entry) => entry.choices),
    previous?.choices,
  );
  const sets = SET_NAMES.map((name, i) => declareSet(name, same(previous?.table.sets[i]?.elements, elements[name])));
  return {
    table: { ...TABLE, sets: [...sets, choices.count], chains: [...choices.chains, ...baseChains(model.node)] },
    entries: winners.map(({ what, why }) => ({ what, why })),
    problems: [...problems, ...conflicts],
    udp: new Map(winners.filter((entry) => entry.protocol === 'udp').map((entry) => [entry.id, entry.endpoints])),
    choices,
  };
}

/** What stands in sets whatever the services are. */
function constants({ cluster, node, foreignAddresses }: Omit<ServicesModel, 'services'>): PlannedElement[] {
  const each = (set: SetName, keys: readonly string[]) => keys.map((key): PlannedElement => [set, { key: [key] }]);
  return [
    ...each('foreign-ips', foreignAddresses),
    ...each('pod-cidrs', cluster.podCidrs),
    ...each('node-pod-cidrs', node.podCidrs),
    ...each('service-cidrs', cluster.serviceCidrs),
  ];
}

function collect(
  services: readonly ServicePlan[],
  winners: readonly EntryPlan[],
  others: readonly PlannedElement[],
): Record<SetName, SetElement[]> {
  const elements = Object.fromEntries(SET_NAMES.map((name) => [name, [] as SetElement[]])) as Record<
    SetName,
    SetElement[]
  >;
  for (const entry of winners) for (const [set, element] of entry.elements) elements[set].push(element);
  const seen = new Set<string>();
  for (const [set, element] of [...services.flatMap((service) => service.shared), ...others]) {
    const name = `${set} ${element.key[0]}`;
    if (!seen.has(name)) elements[set].push(element);
    seen.add(name);
  }
  return elements;
}

function same(before: readonly SetElement[] | undefined, now: readonly SetElement[]): readonly SetElement[] {
  return before?.length === now.length && now.every((element, i) => element === before[i]) ? before : now;
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
