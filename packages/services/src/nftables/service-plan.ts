import type { Ipv4 } from '@podwire/base';
import type { SetElement } from '@podwire/nft';
import type { EndpointModel, NodeModel, Protocol, ServiceModel, ServicePortModel } from '../model.ts';
import { portTargets, type Target } from '../target.ts';
import { affinityIds, endpointName } from './affinity-id.ts';
import { type Choice, choiceValue, idMark, type SetName, slotMark } from './layout.ts';

/** In the order in which they win when two services want the same address and port. */
export const ADDRESS_KINDS = ['cluster IP', 'node port', 'load-balancer IP', 'external IP'] as const;
type AddressKind = (typeof ADDRESS_KINDS)[number];

export type PlannedElement = readonly [SetName, SetElement];

/** One address, protocol and port of a service, and every element it needs. */
export interface EntryPlan {
  /** `10.96.0.1 tcp 80`: of all entries with the same one only the first takes effect. */
  readonly id: string;
  readonly kind: AddressKind;
  readonly address: Ipv4;
  readonly protocol: Protocol;
  readonly port: number;
  readonly what: string;
  readonly why: string;
  readonly choices: readonly Choice[];
  readonly elements: readonly PlannedElement[];
  /** Every `address:port` a connection to it may lead to. */
  readonly endpoints: readonly string[];
}

/** Everything one service contributes; depends on that service and the node only. */
export interface ServicePlan {
  readonly service: string;
  readonly entries: readonly EntryPlan[];
  /** Elements other services may want too. */
  readonly shared: readonly PlannedElement[];
}

export function planService(service: ServiceModel, node: NodeModel): ServicePlan {
  const entries = service.ports.flatMap((port) => planPort(service, port, node));
  const maybeLocal = service.ports.flatMap((port) => port.endpoints.filter((endpoint) => endpoint.maybeLocal));
  const hairpins = new Set(maybeLocal.map((endpoint) => endpoint.address));
  const external = new Set(entries.filter((entry) => entry.kind !== 'cluster IP').map((entry) => entry.address));
  return {
    service: `${service.namespace}/${service.name}`,
    entries,
    shared: [
      ...service.clusterAddresses.map((address): PlannedElement => ['cluster-ips', { key: [address] }]),
      ...[...external].map((address): PlannedElement => ['external-ips', { key: [address] }]),
      ...[...hairpins].map((address): PlannedElement => ['hairpin', { key: [address, address] }]),
    ],
  };
}

function planPort(service: ServiceModel, port: ServicePortModel, node: NodeModel): EntryPlan[] {
  const { internal, external, inside } = portTargets(service, port);
  const outer: Targets = { target: external, ...(inside && { inside }) };
  const entry = (kind: AddressKind, number: number, targets: Targets) => (address: Ipv4) =>
    planEntry({ service, port, kind, address, number, ...targets });
  return [
    ...service.clusterAddresses.map(entry('cluster IP', port.port, { target: internal })),
    ...(node.address && port.nodePort ? [entry('node port', port.nodePort, outer)(node.address)] : []),
    ...service.loadBalancerAddresses.map(entry('load-balancer IP', port.port, outer)),
    ...service.externalAddresses.map(entry('external IP', port.port, outer)),
  ];
}

interface Targets {
  readonly target: Target;
  readonly inside?: Target;
}

interface Entry extends Targets {
  readonly service: ServiceModel;
  readonly port: ServicePortModel;
  readonly kind: AddressKind;
  readonly address: Ipv4;
  readonly number: number;
}

type Key = readonly [Ipv4, Protocol, number];
type Elements = PlannedElement[];

function planEntry(entry: Entry): EntryPlan {
  const { service, port, kind, address, number, target, inside } = entry;
  const key: Key = [address, port.protocol, number];
  const choices = [choiceOf(service, target, false), choiceOf(service, inside, true)].filter(
    (choice) => choice !== undefined,
  );
  const reachable = [...new Map([...served(target), ...served(inside)].map((e) => [endpointName(e), e])).values()];
  return {
    id: key.join(' '),
    kind,
    address,
    protocol: port.protocol,
    port: number,
    what: `${kind} ${address} ${port.protocol} ${number} ${describe(target)}${inside ? `, from inside ${describe(inside)}` : ''}`,
    why: `Service ${service.namespace}/${service.name} port ${port.name || port.port}`,
    choices,
    elements: [...targetElements(key, target), ...policyElements(key, entry), ...choiceElements(key, entry, reachable)],
    endpoints: reachable.map(endpointName),
  };
}

const served = (target: Target | undefined): readonly EndpointModel[] =>
  target?.kind === 'serve' ? target.endpoints : [];

function describe(target: Target): string {
  if (target.kind === 'reject') return 'is refused: no endpoints';
  if (target.kind === 'drop') return 'is dropped: Local policy and no endpoint on this node';
  return `-> ${target.endpoints.map(endpointName).join(', ')}`;
}

function choiceOf({ affinitySeconds }: ServiceModel, target: Target | undefined, inside: boolean): Choice | undefined {
  return target?.kind === 'serve' ? { affinitySeconds, inside, slots: target.endpoints.length } : undefined;
}

function targetElements(key: Key, target: Target): Elements {
  if (target.kind === 'serve') return [];
  return [[target.kind === 'reject' ? 'rejected' : 'dropped', { key }]];
}

function policyElements(key: Key, { service, kind }: Entry): Elements {
  const ranges = kind === 'load-balancer IP' ? service.sourceRanges : undefined;
  return [
    ...(kind !== 'cluster IP' && !service.externalLocal ? ([['masqueraded', { key }]] satisfies Elements) : []),
    ...(ranges ? ([['fenced', { key }]] satisfies Elements) : []),
    ...(ranges ?? []).map((range) => ['sources', { key: [range, ...key] }] as const),
  ];
}

/** The svc and inside values, and slots: straight to an endpoint, or with affinity to its id and from there to it. */
function choiceElements(key: Key, { service, target, inside }: Entry, reachable: readonly EndpointModel[]): Elements {
  const ids = service.affinitySeconds ? affinityIds(reachable) : undefined;
  const elements: Elements = [];
  for (const [map, one, isInside] of [
    ['svc', target, false],
    ['inside', inside, true],
  ] as const) {
    const choice = choiceOf(service, one, isInside);
    if (!choice) continue;
    elements.push([map, { key, data: [choiceValue(choice)] }]);
    served(one).forEach((endpoint, slot) => {
      const mark = slotMark(isInside, slot);
      const id = ids?.get(endpointName(endpoint));
      if (id === undefined) elements.push(['ep', { key: [...key, mark], data: [endpoint.address, endpoint.port] }]);
      else elements.push(['ids', { key: [...key, mark], data: [idMark(id)] }]);
    });
  }
  for (const endpoint of ids ? reachable : []) {
    const mark = idMark(ids?.get(endpointName(endpoint)) ?? 0);
    elements.push(
      ['ep', { key: [...key, mark], data: [endpoint.address, endpoint.port] }],
      ['live', { key: [...key, mark] }],
    );
  }
  return elements;
}
