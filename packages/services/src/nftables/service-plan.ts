import { type Family, familyOf, type IpAddress } from '@podwire/base';
import type { SetElement } from '@podwire/nft';
import { type AddressKind, describeEntry, type Entry, portEntries, reachable } from '../entry.ts';
import {
  allowedSources,
  type ClusterModel,
  type EndpointModel,
  endpointName,
  isOf,
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
  return new PlannedService(service, place);
}

/** Kept for each of many services and seldom asked: of what follows from the entries nothing is kept. */
class PlannedService implements ServicePlan {
  readonly entries: readonly EntryPlan[];
  readonly #model: ServiceModel;
  readonly #place: Place;

  constructor(model: ServiceModel, place: Place) {
    this.#model = model;
    this.#place = place;
    this.entries = entriesOf(model, place).map((entry) => new PlannedEntry(entry, model, place.cluster));
  }

  get service(): string {
    return `${this.#model.namespace}/${this.#model.name}`;
  }

  get shared(): readonly PlannedElement[] {
    return sharedElements(this.#model, this.entries, this.#place.family);
  }
}

function entriesOf(service: ServiceModel, place: Place): readonly Entry[] {
  const where = { ...place, loopback: place.family === 'ipv4' };
  const [port, ...more] = service.ports;
  if (!port) return [];
  const entries = portEntries(service, port, where);
  return more.length ? [...entries, ...more.flatMap((one) => portEntries(service, one, where))] : entries;
}

class PlannedEntry implements EntryPlan {
  readonly id: string;
  readonly #entry: Entry;
  readonly #model: ServiceModel;
  readonly #cluster: ClusterModel;

  constructor(entry: Entry, model: ServiceModel, cluster: ClusterModel) {
    this.id = entry.id;
    this.#entry = entry;
    this.#model = model;
    this.#cluster = cluster;
  }

  get service(): string {
    return this.#entry.service;
  }

  get kind(): AddressKind {
    return this.#entry.kind;
  }

  get address(): IpAddress {
    return this.#entry.address;
  }

  get protocol(): Protocol {
    return this.#entry.protocol;
  }

  get endpoints(): readonly string[] {
    return reachable(this.#entry).map(endpointName);
  }

  get choices(): readonly Choice[] {
    // chains for as many as there will be while some of them have less than their full share
    const { slots = 0 } = this.#model.slowStart ?? {};
    return waysOf(this.#model, this.#entry).map(({ choice }) => (slots > choice.slots ? { ...choice, slots } : choice));
  }

  get elements(): readonly PlannedElement[] {
    const planned = { service: this.#model, entry: this.#entry };
    const elements = filterElements(planned, this.#cluster);
    choiceElements(elements, planned);
    return elements;
  }

  describe(): { readonly what: string; readonly why: string } {
    const what = describeEntry(this.#entry, [balanceOf(this.#model) ?? 'random']);
    return { what, why: this.#entry.why };
  }
}

/** Addresses of a service and endpoints that may be a client of it, which other services may have too. */
export function sharedElements(
  { clusterAddresses, ports }: ServiceModel,
  entries: readonly EntryPlan[],
  family: Family,
): PlannedElement[] {
  if (entries.length === 0 && clusterAddresses.length === 0) return [];
  const shared: PlannedElement[] = [];
  for (const address of ofFamily(clusterAddresses, family)) shared.push(['cluster-ips', { key: [address] }]);
  for (const address of externalAddresses(entries)) shared.push(['external-ips', { key: [address] }]);
  for (const address of maybeClients(ports))
    if (isOf(address, family)) shared.push(['hairpin', { key: [address, address] }]);
  return shared;
}

// most services have none of these, so none gets a set without need

function externalAddresses(entries: readonly EntryPlan[]): Iterable<IpAddress> {
  const external = entries.filter(({ kind }) => kind !== 'cluster IP');
  return external.length ? new Set(external.map(({ address }) => address)) : [];
}

function maybeClients(ports: ServiceModel['ports']): Iterable<IpAddress> {
  const local = ports.flatMap(({ endpoints }) => endpoints.filter(({ maybeLocal }) => maybeLocal));
  return local.length ? new Set(local.map(({ address }) => address)) : [];
}

type Key = readonly [IpAddress, Protocol, number];
type Elements = PlannedElement[];

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

/** How connections come from an entry to endpoints. */
interface Way {
  readonly map: 'svc' | 'inside';
  readonly choice: Choice;
  readonly slots: readonly EndpointModel[];
}

function waysOf(service: ServiceModel, { target, inside }: Entry): Way[] {
  const ways: Way[] = [];
  if (target.kind === 'serve') ways.push(wayOf(service, 'svc', target.endpoints));
  if (inside?.kind === 'serve') ways.push(wayOf(service, 'inside', inside.endpoints));
  return ways;
}

function wayOf(service: ServiceModel, map: Way['map'], endpoints: readonly EndpointModel[]): Way {
  const balance = balanceOf(service);
  const slots = slotsOf(endpoints, balance);
  const choice = { affinitySeconds: service.affinitySeconds, inside: map === 'inside', slots: slots.length };
  return { map, choice: balance ? { ...choice, balance } : choice, slots };
}

/** The svc and inside values, and slots: straight to an endpoint, or with affinity to its id and from there to it. */
function choiceElements(elements: Elements, { service, entry }: Planned): void {
  const { address, protocol, port } = entry;
  const key: Key = [address, protocol, port];
  const sticky = service.affinitySeconds ? reachable(entry) : [];
  const ids = sticky.length ? affinityIds(sticky) : undefined;
  for (const { map, choice, slots } of waysOf(service, entry)) {
    elements.push([map, { key, data: [choiceValue(choice)] }]);
    for (let slot = 0; slot < slots.length; slot++) {
      const endpoint = slots[slot] as EndpointModel;
      const mark = slotMark(choice.inside, slot);
      const id = ids?.get(endpointName(endpoint));
      elements.push(
        id === undefined ? toEndpoint(key, mark, endpoint) : ['ids', { key: [...key, mark], data: [idMark(id)] }],
      );
    }
  }
  for (const endpoint of sticky) {
    const mark = idMark(ids?.get(endpointName(endpoint)) ?? 0);
    elements.push(toEndpoint(key, mark, endpoint), ['live', { key: [...key, mark] }]);
  }
}

function toEndpoint([ip, protocol, number]: Key, mark: number, { address, port }: EndpointModel): PlannedElement {
  return ['ep', { key: [ip, protocol, number, mark], data: [address, port] }];
}
