import type { SetElement } from '@podwire/nft';
import { Claims, type Conflict, udpOf } from '../claims.ts';
import { type Choice, choiceValue, SET_NAMES, type SetName } from './layout.ts';
import type { EntryPlan, PlannedElement, ServicePlan } from './service-plan.ts';

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

interface Shared {
  readonly set: SetName;
  readonly element: SetElement;
  users: number;
}

/**
 * Which of the services' plans take effect: every address has one claimant, and shared elements stand as long as somebody
 * wants them. An exchange costs what the exchanged plans hold, and the result depends on the plans that are in, not on how
 * they came.
 */
export class Settlement {
  readonly #claims: Claims<EntryPlan>;
  readonly #shared = new Map<string, Shared>();
  readonly #choices = new Map<number, { readonly choice: Choice; users: number }>();
  readonly #sizes = Object.fromEntries(SET_NAMES.map((name) => [name, 0])) as Record<SetName, number>;

  constructor(plans: readonly ServicePlan[] = []) {
    this.#claims = new Claims(plans);
    for (const plan of plans) this.#enter(plan);
    for (const entry of this.#claims.winners()) this.#count(entry, 1);
    for (const { set } of this.#shared.values()) this.#sizes[set]++;
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

  get sizes(): Readonly<Record<SetName, number>> {
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
    for (const entry of this.winners()) for (const [set, element] of entry.elements) all[set].push(element);
    for (const { set, element } of this.#shared.values()) all[set].push(element);
    return all;
  }

  /** UDP entries and where their connections may lead. */
  udp(): Map<string, readonly string[]> {
    return this.#claims.udp();
  }

  exchange(exchanges: readonly Exchange[]): SettledChange {
    const shared = new Map<string, Shared | undefined>();
    for (const { before, after } of exchanges) {
      for (const plan of [before, after]) {
        for (const one of plan?.shared ?? []) {
          const name = sharedName(one);
          if (!shared.has(name)) shared.set(name, this.#shared.get(name));
        }
      }
    }
    const winners = this.#claims.exchange(exchanges);
    for (const { before } of exchanges) if (before) this.#leave(before);
    for (const { after } of exchanges) if (after) this.#enter(after);
    return this.#difference(winners, shared);
  }

  #difference(
    winners: ReturnType<Claims<EntryPlan>['exchange']>,
    shared: ReadonlyMap<string, Shared | undefined>,
  ): SettledChange {
    const elements = new Map<SetName, { set: SetName; add: SetElement[]; remove: SetElement[] }>();
    const listOf = (set: SetName, list: 'add' | 'remove'): SetElement[] => {
      const lists = elements.get(set) ?? { set, add: [], remove: [] };
      elements.set(set, lists);
      return lists[list];
    };
    let otherChoices = false;
    for (const { before, after } of winners.values()) {
      for (const [set, element] of before?.elements ?? []) listOf(set, 'remove').push(element);
      for (const [set, element] of after?.elements ?? []) listOf(set, 'add').push(element);
      if (after && this.#count(after, 1)) otherChoices = true;
      if (before && this.#count(before, -1)) otherChoices = true;
    }
    for (const [name, before] of shared) {
      const after = this.#shared.get(name);
      if (before && !after) listOf(before.set, 'remove').push(before.element);
      if (after && !before) listOf(after.set, 'add').push(after.element);
      if (before && !after) this.#sizes[before.set]--;
      if (after && !before) this.#sizes[after.set]++;
    }
    return { elements: [...elements.values()], otherChoices, ...udpOf(winners) };
  }

  #enter({ shared }: ServicePlan): void {
    for (const one of shared) {
      const name = sharedName(one);
      const present = this.#shared.get(name);
      if (present) present.users++;
      else this.#shared.set(name, { set: one[0], element: one[1], users: 1 });
    }
  }

  #leave({ shared }: ServicePlan): void {
    for (const one of shared) {
      const name = sharedName(one);
      const present = this.#shared.get(name);
      if (present && --present.users === 0) this.#shared.delete(name);
    }
  }

  /** True when a way to choose got its first user or lost its last. */
  #count({ elements, choices }: EntryPlan, by: 1 | -1): boolean {
    let other = false;
    for (const [set] of elements) this.#sizes[set] += by;
    for (const choice of choices) {
      const value = choiceValue(choice);
      const present = this.#choices.get(value);
      if (present) present.users += by;
      else this.#choices.set(value, { choice, users: by });
      if (!present) other = true;
      if (present?.users === 0) other = this.#choices.delete(value);
    }
    return other;
  }
}

/** Both parts of a hairpin's key are the same. */
function sharedName([set, { key }]: PlannedElement): string {
  return `${set} ${key[0]}`;
}
