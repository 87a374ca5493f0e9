import { type Family, familyOf, type IpAddress } from '@podwire/base';
import type { SetElement } from '@podwire/nft';
import { type AddressKind, describeEntry, type Entry, portEntries, reachable } from '../entry.ts';
import {
  allowedSources,
  type ClusterModel,
  type EndpointModel,
  endpointName,
  type NodeModel,
  ofFamily,
  type Protocol,
  type ServiceModel,
} from '../model.ts';
import { affinityIds } from './affinity-id.ts';
import { type Choice, choiceValue, idMark, type NftBalance, type SetName, slotMark } from './layout.ts';
import { slotsOf } from './slot.ts';

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
  readonly cluster: ClusterModel;
  readonly node: NodeModel;
  readonly family: Family;
}

export function planService(service: ServiceModel, place: Place): ServicePlan {
  const own = `${service.namespace}/${service.name}`;
  const entries = service.ports.flatMap((port) =>
    portEntries(service, port, { ...place, loopback: place.family === 'ipv4' }).map((entry) =>
      planEntry(service, entry, place),
    ),
  );
  return { service: own, entries, shared: sharedElements(service, entries, place.family) };
}

/** Addresses of a service and endpoints that may be a client of it, which other services may have too. */
export function sharedElements(
  { clusterAddresses, ports }: ServiceModel,
  entries: readonly EntryPlan[],
  family: Family,
): PlannedElement[] {
  if (entries.length === 0 && clusterAddresses.length === 0) return [];
  const shared: PlannedElement[] = ofFamily(clusterAddresses, family).map((address) => [
    'cluster-ips',
    { key: [address] },
  ]);
  const external = new Set<IpAddress>();
  for (const entry of entries) if (entry.kind !== 'cluster IP') external.add(entry.address);
  for (const address of external) shared.push(['external-ips', { key: [address] }]);
  const hairpins = new Set<IpAddress>();
  for (const { endpoints } of ports)
    for (const endpoint of endpoints) if (endpoint.maybeLocal) hairpins.add(endpoint.address);
  for (const address of ofFamily([...hairpins], family)) shared.push(['hairpin', { key: [address, address] }]);
  return shared;
}

type Key = readonly [IpAddress, Protocol, number];
type Elements = PlannedElement[];

function planEntry(service: ServiceModel, entry: Entry, { cluster }: Place): EntryPlan {
  const { id, kind, address, protocol } = entry;
  const key: Key = [address, protocol, entry.port];
  const endpoints = reachable(entry);
  const choices: Choice[] = [];
  const elements = filterElements({ service, entry }, cluster);
  choiceElements(elements, choices, { service, entry, key, endpoints });
  return {
    id,
    service: entry.service,
    kind,
    address,
    protocol,
    choices,
    elements,
    endpoints: endpoints.map(endpointName),
    describe: () => ({ what: describeEntry(entry, [balanceOf(service) ?? 'random']), why: entry.why }),
  };
}

/** What this mode can do of the ways to balance; with affinity a client's first choice is at random. */
export function balanceOf({ affinitySeconds, balance }: ServiceModel): NftBalance | undefined {
  return affinitySeconds > 0 || balance === 'least-connections' || balance === 'random' ? undefined : balance;
}

/** What an entry needs beside its endpoints: refusal, fence, masquerade. */
export function filterElements({ service, entry }: Planned, cluster: ClusterModel): PlannedElement[] {
  const { kind, address, protocol, port, target } = entry;
  const key: Key = [address, protocol, port];
  const elements: Elements = [];
  if (target.kind !== 'serve') elements.push([target.kind === 'reject' ? 'rejected' : 'dropped', { key }]);
  policyElements(elements, key, { service, entry });
  if (isMasqueraded(kind, service, cluster)) elements.push(['masqueraded', { key }]);
  return elements;
}

/** Whatever the client, besides those that would not get their replies (SVC-8). */
function isMasqueraded(kind: AddressKind, { externalLocal }: ServiceModel, { masqueradeAll }: ClusterModel): boolean {
  return kind === 'cluster IP' ? masqueradeAll === true : !externalLocal;
}

function policyElements(elements: Elements, key: Key, { service, entry: { kind, address } }: Planned): void {
  const ranges = kind === 'load-balancer IP' ? allowedSources(service, familyOf(address)) : undefined;
  if (!ranges) return;
  elements.push(['fenced', { key }]);
  for (const range of ranges) elements.push(['sources', { key: [range, ...key] }]);
}

interface Planned {
  readonly service: ServiceModel;
  readonly entry: Entry;
}

interface Choosing extends Planned {
  readonly key: Key;
  readonly endpoints: readonly EndpointModel[];
}

/** The svc and inside values, and slots: straight to an endpoint, or with affinity to its id and from there to it. */
function choiceElements(elements: Elements, choices: Choice[], choosing: Choosing): void {
  const { service, entry, key, endpoints } = choosing;
  const ids = service.affinitySeconds ? affinityIds(endpoints) : undefined;
  const balance = balanceOf(service);
  for (const [map, one, isInside] of [
    ['svc', entry.target, false],
    ['inside', entry.inside, true],
  ] as const) {
    if (one?.kind !== 'serve') continue;
    const slots = slotsOf(one.endpoints, balance);
    const { affinitySeconds } = service;
    const choice: Choice = { affinitySeconds, inside: isInside, slots: slots.length, ...(balance && { balance }) };
    // chains for as many as there will be while some of them have less than their full share
    choices.push({ ...choice, slots: Math.max(slots.length, service.slowStart?.slots ?? 0) });
    elements.push([map, { key, data: [choiceValue(choice)] }]);
    slots.forEach((endpoint, slot) => {
      const mark = slotMark(isInside, slot);
      const id = ids?.get(endpointName(endpoint));
      if (id === undefined) elements.push(['ep', { key: [...key, mark], data: [endpoint.address, endpoint.port] }]);
      else elements.push(['ids', { key: [...key, mark], data: [idMark(id)] }]);
    });
  }
  if (!ids) return;
  for (const endpoint of endpoints) {
    const mark = idMark(ids.get(endpointName(endpoint)) ?? 0);
    elements.push(
      ['ep', { key: [...key, mark], data: [endpoint.address, endpoint.port] }],
      ['live', { key: [...key, mark] }],
    );
  }
}
