import type { Family } from '@podwire/base';
import type { PlanEntry } from '@podwire/kube';
import type { SetElement, Table } from '@podwire/nft';
import { conflictsOf } from '../claims.ts';
import { loopbackLimits } from '../loopback.ts';
import type { ClusterModel, NodeModel, ServiceModel, ServicesModel } from '../model.ts';
import { familiesOf, ofFamily } from '../model.ts';
import { MAX_ENDPOINTS } from '../target.ts';
import { baseChains } from './base-chains.ts';
import { type ChoiceChains, choiceChains } from './choice-chains.ts';
import { declareSet, SET_NAMES, type SetName, TABLES } from './layout.ts';
import { balanceOf, type PlannedElement, planService, type ServicePlan } from './service-plan.ts';
import { Settlement } from './settlement.ts';

/** What a node's service proxy wants, as data. */
export interface Desired {
  /** One per family in use. */
  readonly tables: readonly Table[];
  readonly entries: readonly PlanEntry[];
  /** What could not be had, for people. */
  readonly problems: readonly string[];
  /** Of those the ones about addresses that belong to another service already. */
  readonly conflicts: readonly string[];
}

/** Pure and deterministic; the order of `model.services` does not matter. */
export function plan(model: ServicesModel): Desired {
  const services = [...model.services].sort((a, b) => compareText(serviceName(a), serviceName(b)));
  const settled = familiesOf(model.cluster).map((family) => {
    const plans = services.map((service) => planService(service, { ...model, family }));
    const constants = [planConstants(model, family), planForeign('', model.foreignAddresses, family)];
    return { family, settlement: new Settlement([...constants, ...plans]) };
  });
  const conflicts = settled.flatMap(({ settlement }) => conflictsOf(settlement));
  return {
    tables: settled.map(({ family, settlement }) => tableOf(settlement, { node: model.node, family })),
    entries: settled.flatMap(({ settlement }) => settlement.winners().map((entry) => entry.describe())),
    problems: [...limitsOf(services, model.node), ...conflicts],
    conflicts,
  };
}

/** The table of a family. `choices`: made before, so that they need not be made again. */
export function tableOf(
  settlement: Settlement,
  { node, family }: { readonly node: NodeModel; readonly family: Family },
  choices: ChoiceChains = choiceChains(settlement.choices, family),
): Table {
  const elements = settlement.elements();
  const sets = SET_NAMES.map((name) => declareSet(name, family, elements[name]));
  return {
    ...TABLES[family],
    sets: [...sets, choices.count],
    chains: [...choices.chains, ...baseChains(node, family)],
  };
}

/** What stands in sets whatever the services are. */
export function planConstants(
  { cluster, node }: { readonly cluster: ClusterModel; readonly node: NodeModel },
  family: Family,
): ServicePlan {
  const each = (set: SetName, keys: readonly SetElement['key'][number][]) =>
    keys.map((key): PlannedElement => [set, { key: [key] }]);
  const shared = [
    ...each('pod-cidrs', ofFamily(cluster.podCidrs, family)),
    ...each('node-pod-cidrs', ofFamily(node.podCidrs, family)),
    ...each('service-cidrs', ofFamily(cluster.serviceCidrs, family)),
  ];
  return { service: '', entries: [], shared };
}

/** Cluster addresses of a service that somebody else balances. */
export function planForeign(
  service: string,
  addresses: ServicesModel['foreignAddresses'],
  family: Family,
): ServicePlan {
  const shared = ofFamily(addresses, family).map((key): PlannedElement => ['foreign-ips', { key: [key] }]);
  return { service, entries: [], shared };
}

/** One line per wish that rules cannot fulfil. */
export function limitsOf(services: Iterable<ServiceModel>, node: NodeModel): string[] {
  const lines = loopbackLimits(node, 'nftables');
  for (const service of services) {
    lines.push(...sizeLimits(service));
    const { balance } = service;
    if (balance && balance !== balanceOf(service))
      lines.push(
        `Service ${serviceName(service)}: balance ${balance} ${service.affinitySeconds ? 'does not go with affinity' : 'is not in mode nftables'}, so it is random; choose another`,
      );
  }
  return lines;
}

/** One line per port with more endpoints than are used. */
export function sizeLimits(service: ServiceModel): string[] {
  return service.ports.flatMap(({ port, endpoints }) =>
    endpoints.length > MAX_ENDPOINTS
      ? [
          `Service ${serviceName(service)} port ${port}: ${endpoints.length} endpoints, of which ${MAX_ENDPOINTS} are used; split the service`,
        ]
      : [],
  );
}

const serviceName = ({ namespace, name }: ServiceModel): string => `${namespace}/${name}`;
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
