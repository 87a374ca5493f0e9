import type { Family } from '@podwire/base';
import type { PlanEntry } from '@podwire/kube';
import type { SetElement, Table } from '@podwire/nft';
import { conflictsOf } from '../claims.ts';
import { noDirectReturn } from '../direct-return.ts';
import { loopbackLimits } from '../loopback.ts';
import { familiesOf, type NodeModel, type ServicesView } from '../model.ts';
import { planConstants, planForeign } from '../ruleset/constants.ts';
import { Settlement } from '../ruleset/settlement.ts';
import { sizeLimits } from '../size-limits.ts';
import { chains } from './chains.ts';
import { declareSets, TABLES } from './layout.ts';
import { MarkNumbers } from './mark-numbers.ts';
import { schedulerLimits } from './scheduler.ts';
import { type IpvsPlace, type IpvsPlan, planService } from './service-plan.ts';
import type { VirtualServer } from './virtual-server.ts';

/** What a node's kernel is to have, as data. Pure and deterministic. */
export interface Desired {
  readonly servers: readonly VirtualServer[];
  /** One per family in use. */
  readonly tables: readonly Table[];
  readonly entries: readonly PlanEntry[];
  /** What could not be had, for people. */
  readonly problems: readonly string[];
  /** Of those the ones about addresses that belong to another service already. */
  readonly conflicts: readonly string[];
}

/** Marks are numbered in the order of the services' names; a running proxy keeps those it has given. */
export function plan(view: ServicesView): Desired {
  const planned = familiesOf(view.cluster).map((family) => {
    const marks = new MarkNumbers();
    const markOf = (id: string) => marks.of(id);
    const plans = sortedKeys(view).map((key) => planKey(view, key, { family, markOf }));
    const settlement = settle(view, family, plans);
    return { settlement, servers: serversOf(settlement, plans), table: tableOf(settlement, view.node, family) };
  });
  const conflicts = planned.flatMap(({ settlement }) => conflictsOf(settlement));
  return {
    servers: planned.flatMap(({ servers }) => servers),
    tables: planned.map(({ table }) => table),
    entries: planned.flatMap(({ settlement }) => settlement.winners().map((entry) => entry.describe())),
    problems: [...limitsOf(view), ...conflicts],
    conflicts,
  };
}

export const sortedKeys = ({ services, foreign }: ServicesView): string[] =>
  [...services.keys(), ...foreign.keys()].sort();

/** What a name of a service stands for in a family; also one that another proxy serves. */
export function planKey(
  { cluster, services, foreign, node }: ServicesView,
  key: string,
  place: Pick<IpvsPlace, 'family' | 'markOf'>,
): IpvsPlan | undefined {
  const service = services.get(key);
  if (service) return planService(service, { ...place, cluster, node });
  const addresses = foreign.get(key);
  return addresses && { ...planForeign(key, addresses, place.family), servers: new Map() };
}

/** Everything of a family; `planned` in the order in which services win. */
export function settle(view: ServicesView, family: Family, planned: Iterable<IpvsPlan | undefined>): Settlement {
  return new Settlement([planConstants(view, family), ...[...planned].filter((one) => one !== undefined)]);
}

/** Those of the entries that take effect. */
export function serversOf(settlement: Settlement, planned: Iterable<IpvsPlan | undefined>): VirtualServer[] {
  return [...planned].flatMap((one) =>
    [...(one?.servers ?? [])].flatMap(([entry, servers]) => (settlement.winner(entry.id) === entry ? servers : [])),
  );
}

export function tableOf(
  settlement: Settlement,
  node: NodeModel,
  family: Family,
  draining: readonly SetElement[] = [],
): Table {
  return {
    ...TABLES[family],
    sets: declareSets(family, settlement.elements(), draining),
    chains: chains(node, family),
  };
}

/** One line per wish that this mode cannot fulfil. */
export function limitsOf({ cluster, node, services }: ServicesView): string[] {
  const lines = loopbackLimits(node, 'ipvs');
  for (const service of services.values()) {
    lines.push(...sizeLimits(service), ...schedulerLimits(service, cluster), ...noDirectReturn(service, 'ipvs'));
  }
  return lines;
}
