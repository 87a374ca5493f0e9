import type { IpAddress } from '@podwire/base';
import { affinityIds } from '../choice/affinity-id.ts';
import { balanceOf, type Choice, choiceValue, type SlotChoice } from '../choice/choice.ts';
import { slotsOf } from '../choice/slot.ts';
import { type AddressKind, describeEntry, type Entry, portEntries, reachable } from '../entry.ts';
import { type EndpointModel, endpointName, keyOf, type Protocol, type ServiceModel } from '../model.ts';
import {
  type EntryPlan,
  filterElements,
  type Place,
  type Planned,
  type PlannedElement,
  type ServicePlan,
  type SharedElement,
  sharedElements,
} from '../ruleset/service-plan.ts';
import { directElements } from './direct-elements.ts';
import { type DirectEntry, describeDirect, directEntry } from './direct-entry.ts';
import { idMark, slotMark } from './layout.ts';

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
    this.entries = entriesOf(model, place).map((entry) => new PlannedEntry(entry, model, place));
  }

  get service(): string {
    return keyOf(this.#model);
  }

  get shared(): readonly SharedElement[] {
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
  readonly #place: Place;
  readonly #direct: DirectEntry | undefined;

  constructor(entry: Entry, model: ServiceModel, place: Place) {
    this.id = entry.id;
    this.#direct = model.forwarding && directEntry(entry, place);
    this.#entry = this.#direct?.entry ?? entry;
    this.#model = model;
    this.#place = place;
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
    const ways = waysOf(this.#model, this.#entry);
    const choices = ways.map(({ choice }) => (slots > choice.slots ? { ...choice, slots } : choice));
    return this.#direct ? [...choices, 'direct'] : choices;
  }

  get elements(): readonly PlannedElement[] {
    const direct = this.#direct;
    const planned = { service: this.#model, entry: this.#entry };
    const kept = direct ? { ...planned, keepsSource: direct.keepsSource } : planned;
    const elements = filterElements(kept, this.#place.cluster);
    choiceElements(elements, planned);
    if (!direct) return elements;
    return [...elements, ...directElements(this.#entry, direct.members, this.#place.peers)];
  }

  describe(): { readonly what: string; readonly why: string } {
    const what = describeEntry(this.#entry, [balanceOf(this.#model) ?? 'random']);
    return { what: this.#direct ? `${what}${describeDirect(this.#direct)}` : what, why: this.#entry.why };
  }
}

type Key = readonly [IpAddress, Protocol, number];
type Elements = PlannedElement[];

/** How connections come from an entry to endpoints. */
interface Way {
  readonly map: 'svc' | 'inside';
  readonly choice: SlotChoice;
  readonly slots: readonly EndpointModel[];
}

function waysOf(service: ServiceModel, { target, inside }: Entry): readonly Way[] {
  const outer = target.kind === 'serve' ? [wayOf(service, 'svc', target.endpoints)] : [];
  return inside?.kind === 'serve' ? [...outer, wayOf(service, 'inside', inside.endpoints)] : outer;
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
