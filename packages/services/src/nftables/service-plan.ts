import type { Family, IpAddress } from '@podwire/base';
import type { SetElement } from '@podwire/nft';
import {
  allowedSources,
  type EndpointModel,
  endpointName,
  type NodeModel,
  ofFamily,
  type Protocol,
  type ServiceModel,
  type ServicePortModel,
} from '../model.ts';
import { portTargets, type Target } from '../target.ts';
import { affinityIds } from './affinity-id.ts';
import { type Choice, choiceValue, idMark, type NftBalance, type SetName, slotMark } from './layout.ts';
import { slotsOf } from './slot.ts';

/** In the order in which they win when two services want the same address and port. */
export const ADDRESS_KINDS = ['cluster IP', 'node port', 'load-balancer IP', 'external IP'] as const;
type AddressKind = (typeof ADDRESS_KINDS)[number];

export type PlannedElement = readonly [SetName, SetElement];

/** One address, protocol and port of a service, and every element it needs. */
export interface EntryPlan {
  /** `10.96.0.1 tcp 80`: of all entries with the same one only the first takes effect. */
  readonly id: string;
  /** `namespace/name` */
  readonly service: string;
  readonly kind: AddressKind;
  readonly address: IpAddress;
  readonly protocol: Protocol;
  readonly choices: readonly Choice[];
  readonly elements: readonly PlannedElement[];
  /** Every `address:port` a connection to it may lead to. */
  readonly endpoints: readonly string[];
  /** In words: made only when somebody reads them. */
  describe(): { readonly what: string; readonly why: string };
}

/** Everything one service contributes to the table of one family; depends on that service and the node only. */
export interface ServicePlan {
  readonly service: string;
  readonly entries: readonly EntryPlan[];
  /** Elements other services may want too. */
  readonly shared: readonly PlannedElement[];
}

/** The node the rules are for, and the family of the table. */
export interface Place {
  readonly node: NodeModel;
  readonly family: Family;
}

export function planService(service: ServiceModel, place: Place): ServicePlan {
  const own = `${service.namespace}/${service.name}`;
  const entries = service.ports.flatMap((port) => planPort(service, port, place));
  if (entries.length === 0 && service.clusterAddresses.length === 0) return { service: own, entries, shared: [] };
  const shared: PlannedElement[] = ofFamily(service.clusterAddresses, place.family).map((address) => [
    'cluster-ips',
    { key: [address] },
  ]);
  const external = new Set<IpAddress>();
  for (const entry of entries) if (entry.kind !== 'cluster IP') external.add(entry.address);
  for (const address of external) shared.push(['external-ips', { key: [address] }]);
  const hairpins = new Set<IpAddress>();
  for (const { endpoints } of service.ports)
    for (const endpoint of endpoints) if (endpoint.maybeLocal) hairpins.add(endpoint.address);
  for (const address of ofFamily([...hairpins], place.family)) shared.push(['hairpin', { key: [address, address] }]);
  return { service: own, entries, shared };
}

function planPort(service: ServiceModel, port: ServicePortModel, place: Place): EntryPlan[] {
  const { internal, external, inside } = portTargets(service, port, place);
  const outer: Targets = { target: external, ...(inside && { inside }) };
  const { node, family } = place;
  const entries: EntryPlan[] = [];
  const add = (kind: AddressKind, addresses: readonly IpAddress[], number: number, targets: Targets): void => {
    for (const address of ofFamily(addresses, family))
      entries.push(planEntry({ service, port, family, kind, address, number, ...targets }));
  };
  add('cluster IP', service.clusterAddresses, port.port, { target: internal });
  if (port.nodePort) add('node port', node.nodePortAddresses.filter(isRoutable), port.nodePort, outer);
  add('load-balancer IP', service.loadBalancerAddresses, port.port, outer);
  add('external IP', service.externalAddresses, port.port, outer);
  return entries;
}

/** The kernel drops what leaves a loopback address for a pod. */
export const isRoutable = (address: IpAddress): boolean => !/^(127\.|::1$)/.test(address);

interface Targets {
  readonly target: Target;
  /** For pods and the node itself, where it differs (SVC-13). */
  readonly inside?: Target;
}

interface Entry extends Targets {
  readonly service: ServiceModel;
  readonly port: ServicePortModel;
  readonly family: Family;
  readonly kind: AddressKind;
  readonly address: IpAddress;
  readonly number: number;
}

type Key = readonly [IpAddress, Protocol, number];
type Elements = PlannedElement[];

function planEntry(entry: Entry): EntryPlan {
  const { service, port, kind, address, number, target, inside } = entry;
  const { protocol } = port;
  const key: Key = [address, protocol, number];
  const reachable = reachableOf(target, inside);
  const choices: Choice[] = [];
  const elements: Elements = [];
  targetElements(elements, key, target);
  policyElements(elements, key, entry);
  choiceElements(elements, choices, { key, entry, reachable });
  return {
    id: `${address} ${protocol} ${number}`,
    service: `${service.namespace}/${service.name}`,
    kind,
    address,
    protocol,
    choices,
    elements,
    endpoints: reachable.map(endpointName),
    describe: () => ({
      what: `${kind} ${address} ${protocol} ${number} ${describe(target)}${inside ? `, from inside ${describe(inside)}` : ''}`,
      why: `Service ${service.namespace}/${service.name} port ${port.name || port.port}`,
    }),
  };
}

const served = (target: Target | undefined): readonly EndpointModel[] =>
  target?.kind === 'serve' ? target.endpoints : [];

function reachableOf(target: Target, inside: Target | undefined): readonly EndpointModel[] {
  if (!inside) return served(target);
  return [...new Map([...served(target), ...served(inside)].map((e) => [endpointName(e), e])).values()];
}

function describe(target: Target): string {
  if (target.kind === 'reject') return 'is refused: no endpoints';
  if (target.kind === 'drop') return 'is dropped: Local policy and no endpoint on this node';
  return `-> ${target.endpoints.map((one) => `${endpointName(one)}${one.weight ? ` (weight ${one.weight})` : ''}`).join(', ')}`;
}

/** What this mode can do of the ways to balance; with affinity a client's first choice is at random. */
export function balanceOf({ affinitySeconds, balance }: ServiceModel): NftBalance | undefined {
  return affinitySeconds > 0 || balance === 'least-connections' || balance === 'random' ? undefined : balance;
}

function targetElements(elements: Elements, key: Key, target: Target): void {
  if (target.kind !== 'serve') elements.push([target.kind === 'reject' ? 'rejected' : 'dropped', { key }]);
}

function policyElements(elements: Elements, key: Key, { service, kind, family }: Entry): void {
  if (kind !== 'cluster IP' && !service.externalLocal) elements.push(['masqueraded', { key }]);
  const ranges = kind === 'load-balancer IP' ? allowedSources(service, family) : undefined;
  if (!ranges) return;
  elements.push(['fenced', { key }]);
  for (const range of ranges) elements.push(['sources', { key: [range, ...key] }]);
}

interface Choosing {
  readonly key: Key;
  readonly entry: Entry;
  readonly reachable: readonly EndpointModel[];
}

/** The svc and inside values, and slots: straight to an endpoint, or with affinity to its id and from there to it. */
function choiceElements(elements: Elements, choices: Choice[], { key, entry, reachable }: Choosing): void {
  const { service, target, inside } = entry;
  const ids = service.affinitySeconds ? affinityIds(reachable) : undefined;
  const balance = balanceOf(service);
  for (const [map, one, isInside] of [
    ['svc', target, false],
    ['inside', inside, true],
  ] as const) {
    if (one?.kind !== 'serve') continue;
    const slots = slotsOf(one.endpoints, balance);
    const { affinitySeconds } = service;
    const choice: Choice = { affinitySeconds, inside: isInside, slots: slots.length, ...(balance && { balance }) };
    choices.push(choice);
    elements.push([map, { key, data: [choiceValue(choice)] }]);
    slots.forEach((endpoint, slot) => {
      const mark = slotMark(isInside, slot);
      const id = ids?.get(endpointName(endpoint));
      if (id === undefined) elements.push(['ep', { key: [...key, mark], data: [endpoint.address, endpoint.port] }]);
      else elements.push(['ids', { key: [...key, mark], data: [idMark(id)] }]);
    });
  }
  if (!ids) return;
  for (const endpoint of reachable) {
    const mark = idMark(ids.get(endpointName(endpoint)) ?? 0);
    elements.push(
      ['ep', { key: [...key, mark], data: [endpoint.address, endpoint.port] }],
      ['live', { key: [...key, mark] }],
    );
  }
}
