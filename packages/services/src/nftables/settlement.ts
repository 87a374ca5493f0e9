import type { SetElement } from '@podwire/nft';
import { ADDRESS_KINDS, byPriority } from '../entry.ts';
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
 * Which of the services' plans take effect. Of several entries for one address, protocol and port the first kind wins, then
 * the first service by name; shared elements stand as long as somebody wants them. An exchange costs what the exchanged
 * plans hold, and the result depends on the plans that are in, not on how they came.
 */
export class Settlement {
  /** By entry id: the winner, or all that want it, the winner first. */
  readonly #entries = new Map<string, EntryPlan | readonly EntryPlan[]>();
  readonly #contested = new Set<string>();
  readonly #shared = new Map<string, Shared>();
  readonly #choices = new Map<number, { readonly choice: Choice; users: number }>();
  readonly #sizes = Object.fromEntries(SET_NAMES.map((name) => [name, 0])) as Record<SetName, number>;

  constructor(plans: Iterable<ServicePlan> = []) {
    for (const plan of plans) this.#enter(plan);
    for (const value of this.#entries.values()) this.#count(winnerOf(value), 1);
    for (const { set } of this.#shared.values()) this.#sizes[set]++;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether an entry of that id is wanted. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  get sizes(): Readonly<Record<SetName, number>> {
    return this.#sizes;
  }

  get choices(): readonly Choice[] {
    return [...this.#choices.values()].map(({ choice }) => choice);
  }

  /** Those that take effect, by kind and, when made at once, in the order of the plans. */
  winners(): EntryPlan[] {
    const all = [...this.#entries.values()].map(winnerOf);
    return ADDRESS_KINDS.flatMap((kind) => all.filter((entry) => entry.kind === kind));
  }

  /** Those that another service keeps from taking effect. */
  conflicts(): { readonly loser: EntryPlan; readonly winner: EntryPlan }[] {
    return [...this.#contested]
      .flatMap((id) => {
        const [winner, ...losers] = candidates(this.#entries.get(id));
        return winner ? losers.map((loser) => ({ loser, winner })) : [];
      })
      .sort((a, b) => byPriority(a.loser, b.loser) || (a.loser.id < b.loser.id ? -1 : 1));
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
    const all = new Map<string, readonly string[]>();
    for (const value of this.#entries.values()) {
      const { id, protocol, endpoints } = winnerOf(value);
      if (protocol === 'udp') all.set(id, endpoints);
    }
    return all;
  }

  exchange(exchanges: readonly Exchange[]): SettledChange {
    const winners = new Map<string, EntryPlan | undefined>();
    const shared = new Map<string, Shared | undefined>();
    for (const { before, after } of exchanges) {
      for (const plan of [before, after]) {
        for (const { id } of plan?.entries ?? []) if (!winners.has(id)) winners.set(id, this.winner(id));
        for (const one of plan?.shared ?? []) {
          const name = sharedName(one);
          if (!shared.has(name)) shared.set(name, this.#shared.get(name));
        }
      }
    }
    for (const { before } of exchanges) if (before) this.#leave(before);
    for (const { after } of exchanges) if (after) this.#enter(after);
    return this.#difference(winners, shared);
  }

  #difference(
    winners: ReadonlyMap<string, EntryPlan | undefined>,
    shared: ReadonlyMap<string, Shared | undefined>,
  ): SettledChange {
    const elements = new Map<SetName, { set: SetName; add: SetElement[]; remove: SetElement[] }>();
    const listOf = (set: SetName, list: 'add' | 'remove'): SetElement[] => {
      const lists = elements.get(set) ?? { set, add: [], remove: [] };
      elements.set(set, lists);
      return lists[list];
    };
    const [udpBefore, udpAfter] = [new Map<string, readonly string[]>(), new Map<string, readonly string[]>()];
    let otherChoices = false;
    for (const [id, before] of winners) {
      const after = this.winner(id);
      if (before === after) continue;
      for (const [set, element] of before?.elements ?? []) listOf(set, 'remove').push(element);
      for (const [set, element] of after?.elements ?? []) listOf(set, 'add').push(element);
      if (after && this.#count(after, 1)) otherChoices = true;
      if (before && this.#count(before, -1)) otherChoices = true;
      if (before?.protocol === 'udp') udpBefore.set(id, before.endpoints);
      if (after?.protocol === 'udp') udpAfter.set(id, after.endpoints);
    }
    for (const [name, before] of shared) {
      const after = this.#shared.get(name);
      if (before && !after) listOf(before.set, 'remove').push(before.element);
      if (after && !before) listOf(after.set, 'add').push(after.element);
      if (before && !after) this.#sizes[before.set]--;
      if (after && !before) this.#sizes[after.set]++;
    }
    return { elements: [...elements.values()], otherChoices, udpBefore, udpAfter };
  }

  /** The one of that id that takes effect. */
  winner(id: string): EntryPlan | undefined {
    const value = this.#entries.get(id);
    return value && winnerOf(value);
  }

  #enter({ entries, shared }: ServicePlan): void {
    for (const entry of entries) {
      const present = this.#entries.get(entry.id);
      if (present) {
        this.#entries.set(entry.id, [...candidates(present), entry].sort(byPriority));
        this.#contested.add(entry.id);
      } else this.#entries.set(entry.id, entry);
    }
    for (const one of shared) {
      const name = sharedName(one);
      const present = this.#shared.get(name);
      if (present) present.users++;
      else this.#shared.set(name, { set: one[0], element: one[1], users: 1 });
    }
  }

  #leave({ entries, shared }: ServicePlan): void {
    for (const entry of entries) {
      const rest = candidates(this.#entries.get(entry.id)).filter((one) => one !== entry);
      const [first] = rest;
      if (!first) this.#entries.delete(entry.id);
      else this.#entries.set(entry.id, rest.length === 1 ? first : rest);
      if (rest.length < 2) this.#contested.delete(entry.id);
    }
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

function winnerOf(value: EntryPlan | readonly EntryPlan[]): EntryPlan {
  return 'id' in value ? value : (value[0] as EntryPlan);
}

function candidates(value: EntryPlan | readonly EntryPlan[] | undefined): readonly EntryPlan[] {
  if (!value) return [];
  return 'id' in value ? [value] : value;
}

/** Both parts of a hairpin's key are the same. */
function sharedName([set, { key }]: PlannedElement): string {
  return `${set} ${key[0]}`;
}
