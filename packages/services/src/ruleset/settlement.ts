import type { SetElement } from '@podwire/nft';
import { type Choice, choiceValue } from '../choice/choice.ts';
import { Claims, type Conflict, udpOf } from '../claims.ts';
import type { EntryPlan, PlannedElement, ServicePlan, SharedElement } from './service-plan.ts';
import { SET_NAMES, type SetName } from './sets.ts';

/** Elements to put into sets and keys to take out. A key in both is put in. */
export interface SettledChange {
  readonly elements: readonly { readonly set: SetName; readonly add: SetElement[]; readonly remove: SetElement[] }[];
  /** Whether there are other ways to choose in use than before. */
  readonly otherChoices: boolean;
  /** The UDP entries it is about, as they were and as they are: id to `address:port` of endpoints. */
  readonly udpBefore: ReadonlyMap<string, readonly string[]>;
  readonly udpAfter: ReadonlyMap<string, readonly string[]>;
}

/** One exchange of a service's plan for another; either may be absent. */
export interface Exchange {
  readonly before?: ServicePlan | undefined;
  readonly after?: ServicePlan | undefined;
}

type Value = SharedElement[1];
type Sizes = Record<SetName, number>;

/**
 * Which of the services' plans take effect: every address has one claimant, and shared elements stand as long as somebody
 * wants them. An exchange costs what the exchanged plans hold, and the result depends on the plans that are in, not on how
 * they came.
 */
export class Settlement {
  readonly #claims: Claims<EntryPlan>;
  /** How many want an element, by set and the value that is its key. */
  readonly #shared = new Map<SetName, Map<Value, number>>();
  readonly #choices = new Map<number | 'direct', { readonly choice: Choice; users: number }>();
  /** Counted when they are asked for or all elements are made, and from then on with each change. */
  #sizes: Sizes | undefined;

  constructor(plans: readonly ServicePlan[] = []) {
    this.#claims = new Claims(plans);
    for (const { shared } of plans) for (const one of shared) this.#use(one, 1);
    for (const entry of this.#claims.winners()) this.#count(entry, 1);
  }

  get size(): number {
    return this.#claims.size;
  }

  /** Whether an entry of that id is wanted. */
  has(id: string): boolean {
    return this.#claims.has(id);
  }

  winner(id: string): EntryPlan | undefined {
    return this.#claims.winner(id);
  }

  get sizes(): Readonly<Sizes> {
    this.#sizes ??= sizesOf(this.elements());
    return this.#sizes;
  }

  get choices(): readonly Choice[] {
    return [...this.#choices.values()].map(({ choice }) => choice);
  }

  /** Those that take effect, by kind and, when made at once, in the order of the plans. */
  winners(): EntryPlan[] {
    return this.#claims.winners();
  }

  /** Those that another service keeps from taking effect. */
  conflicts(): Conflict<EntryPlan>[] {
    return this.#claims.conflicts();
  }

  elements(): Record<SetName, SetElement[]> {
    const all = Object.fromEntries(SET_NAMES.map((name) => [name, [] as SetElement[]])) as Record<
      SetName,
      SetElement[]
    >;
    for (const entry of this.winners()) for (const one of entry.elements) all[one[0]].push(one[1]);
    for (const [set, users] of this.#shared) for (const value of users.keys()) all[set].push(sharedElement(set, value));
    this.#sizes = sizesOf(all);
    return all;
  }

  /** UDP entries and where their connections may lead. */
  udp(): Map<string, readonly string[]> {
    return this.#claims.udp();
  }

  exchange(exchanges: readonly Exchange[]): SettledChange {
    const change = new ElementsChange();
    const winners = this.#claims.exchange(exchanges);
    let otherChoices = false;
    for (const { before, after } of winners.values()) {
      change.replace(before?.elements ?? [], after?.elements ?? []);
      if (after && this.#count(after, 1)) otherChoices = true;
      if (before && this.#count(before, -1)) otherChoices = true;
    }
    for (const { after } of exchanges) if (after) for (const one of this.#enter(after)) change.add(one);
    for (const { before } of exchanges) if (before) for (const one of this.#leave(before)) change.remove(one);
    const elements = change.lists;
    if (this.#sizes) for (const { set, add, remove } of elements) this.#sizes[set] += add.length - remove.length;
    const { udpBefore, udpAfter } = udpOf(winners);
    return { elements, otherChoices, udpBefore, udpAfter };
  }

  /** Returns the shared elements that nobody wanted before. */
  #enter({ shared }: ServicePlan): PlannedElement[] {
    return shared.filter((one) => this.#use(one, 1) === 1).map(planned);
  }

  /** Returns those that nobody wants any more. */
  #leave({ shared }: ServicePlan): PlannedElement[] {
    return shared.filter((one) => this.#use(one, -1) === 0).map(planned);
  }

  /** Returns how many want the element now. */
  #use([set, value]: SharedElement, by: 1 | -1): number {
    let users = this.#shared.get(set);
    if (!users) {
      users = new Map();
      this.#shared.set(set, users);
    }
    const count = (users.get(value) ?? 0) + by;
    if (count > 0) users.set(value, count);
    else users.delete(value);
    return count;
  }

  /** True when a way to choose got its first user or lost its last. */
  #count({ choices }: EntryPlan, by: 1 | -1): boolean {
    let other = false;
    for (const choice of choices) {
      const value = choice === 'direct' ? choice : choiceValue(choice);
      const present = this.#choices.get(value);
      if (present) present.users += by;
      else this.#choices.set(value, { choice, users: by });
      if (!present) other = true;
      if (present?.users === 0) other = this.#choices.delete(value);
    }
    return other;
  }
}

/** Elements that come and go, by set. */
class ElementsChange {
  readonly #lists = new Map<SetName, SettledChange['elements'][number]>();

  get lists(): SettledChange['elements'] {
    return [...this.#lists.values()];
  }

  add([set, element]: PlannedElement): void {
    this.#of(set).add.push(element);
  }

  remove([set, element]: PlannedElement): void {
    this.#of(set).remove.push(element);
  }

  /** Passes over what is the same at the same place: most of an entry when one endpoint of it changes. */
  replace(before: readonly PlannedElement[], after: readonly PlannedElement[]): void {
    for (let i = 0; i < before.length || i < after.length; i++) {
      const old = before[i];
      const now = after[i];
      if (old && now && isSame(old, now)) continue;
      if (old) this.remove(old);
      if (now) this.add(now);
    }
  }

  #of(set: SetName): SettledChange['elements'][number] {
    let lists = this.#lists.get(set);
    if (!lists) {
      lists = { set, add: [], remove: [] };
      this.#lists.set(set, lists);
    }
    return lists;
  }
}

function isSame([set, { key, data }]: PlannedElement, [otherSet, other]: PlannedElement): boolean {
  return set === otherSet && areSame(key, other.key) && areSame(data, other.data);
}

function areSame(a: SetElement['data'], b: SetElement['data']): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function sizesOf(elements: Readonly<Record<SetName, readonly SetElement[]>>): Sizes {
  return Object.fromEntries(SET_NAMES.map((name) => [name, elements[name].length])) as Sizes;
}

const planned = ([set, value]: SharedElement): PlannedElement => [set, sharedElement(set, value)];

/** Both parts of a hairpin's key are the same. */
function sharedElement(set: SetName, value: Value): SetElement {
  return { key: set === 'hairpin' ? [value, value] : [value] };
}
