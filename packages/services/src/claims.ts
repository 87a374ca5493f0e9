import { ADDRESS_KINDS, byPriority, type Entry } from './entry.ts';

/** What a mode makes of an entry, as far as it matters who gets the address. */
export interface Claim extends Pick<Entry, 'id' | 'service' | 'kind' | 'protocol'> {
  /** Every `address:port` a connection to it may lead to. */
  readonly endpoints: readonly string[];
  /** In words: made only when somebody reads them. */
  describe(): { readonly what: string; readonly why: string };
}

/** One exchange of what a service claims for something else; either may be absent. */
export interface ClaimExchange<C extends Claim> {
  readonly before?: { readonly entries: readonly C[] } | undefined;
  readonly after?: { readonly entries: readonly C[] } | undefined;
}

/** Who has an id now and who had it. */
export interface Succession<C extends Claim> {
  readonly before: C | undefined;
  readonly after: C | undefined;
}

export interface Conflict<C extends Claim> {
  readonly loser: C;
  readonly winner: C;
}

/**
 * Which of the services' entries take effect. Of several entries for one address, protocol and port the first kind wins,
 * then the first service by name. An exchange costs what the exchanged services claim, and the result depends on the claims
 * that are in, not on how they came.
 */
export class Claims<C extends Claim> {
  /** By entry id: the winner, or all that want it, the winner first. */
  readonly #entries = new Map<string, C | readonly C[]>();
  readonly #contested = new Set<string>();

  constructor(services: Iterable<{ readonly entries: readonly C[] }> = []) {
    for (const service of services) this.#enter(service.entries);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether an entry of that id is wanted. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  winner(id: string): C | undefined {
    const value = this.#entries.get(id);
    return value && winnerOf(value);
  }

  /** Those that take effect, by kind and, when made at once, in the order of the services. */
  winners(): C[] {
    const byKind = new Map<C['kind'], C[]>(ADDRESS_KINDS.map((kind) => [kind, []]));
    for (const value of this.#entries.values()) {
      const winner = winnerOf(value);
      byKind.get(winner.kind)?.push(winner);
    }
    return [...byKind.values()].flat();
  }

  /** Those that another entry keeps from taking effect. */
  conflicts(): Conflict<C>[] {
    return [...this.#contested]
      .flatMap((id) => {
        const [winner, ...losers] = candidates(this.#entries.get(id));
        return winner ? losers.map((loser) => ({ loser, winner })) : [];
      })
      .sort((a, b) => byPriority(a.loser, b.loser) || (a.loser.id < b.loser.id ? -1 : 1));
  }

  /** UDP entries and where their connections may lead. */
  udp(): Map<string, readonly string[]> {
    const all = new Map<string, readonly string[]>();
    for (const value of this.#entries.values()) {
      const winner = winnerOf(value);
      if (winner.protocol === 'udp') all.set(winner.id, winner.endpoints);
    }
    return all;
  }

  /** Returns the ids whose winner is another object than before. */
  exchange(exchanges: readonly ClaimExchange<C>[]): Map<string, Succession<C>> {
    const winners = new Map<string, C | undefined>();
    for (const { before, after } of exchanges)
      for (const service of [before, after])
        for (const { id } of service?.entries ?? []) if (!winners.has(id)) winners.set(id, this.winner(id));
    for (const { before } of exchanges) if (before) this.#leave(before.entries);
    for (const { after } of exchanges) if (after) this.#enter(after.entries);
    const changed = new Map<string, Succession<C>>();
    for (const [id, before] of winners) {
      const after = this.winner(id);
      if (before !== after) changed.set(id, { before, after });
    }
    return changed;
  }

  #enter(entries: readonly C[]): void {
    for (const entry of entries) {
      const present = this.#entries.get(entry.id);
      if (present) {
        this.#entries.set(entry.id, [...candidates(present), entry].sort(byPriority));
        this.#contested.add(entry.id);
      } else this.#entries.set(entry.id, entry);
    }
  }

  #leave(entries: readonly C[]): void {
    for (const entry of entries) {
      const rest = candidates(this.#entries.get(entry.id)).filter((one) => one !== entry);
      const [first] = rest;
      if (!first) this.#entries.delete(entry.id);
      else this.#entries.set(entry.id, rest.length === 1 ? first : rest);
      if (rest.length < 2) this.#contested.delete(entry.id);
    }
  }
}

/** One line per entry that another one keeps from taking effect. */
export function conflictsOf(claims: { conflicts(): readonly Conflict<Claim>[] }): string[] {
  return claims.conflicts().map(({ loser, winner }) => {
    const { why } = loser.describe();
    return `${why}: its ${loser.kind} ${loser.id} belongs to ${winner.describe().why} already; change one of them`;
  });
}

interface UdpSuccession {
  readonly udpBefore: ReadonlyMap<string, readonly string[]>;
  readonly udpAfter: ReadonlyMap<string, readonly string[]>;
}

/** Of most changes. */
const NO_UDP: UdpSuccession = { udpBefore: new Map(), udpAfter: new Map() };

/** The UDP entries of exchanged winners, as they were and as they are: id to `address:port` of endpoints. */
export function udpOf(changed: ReadonlyMap<string, Succession<Claim>>): UdpSuccession {
  let found: { udpBefore: Map<string, readonly string[]>; udpAfter: Map<string, readonly string[]> } | undefined;
  for (const [id, { before, after }] of changed) {
    if ((after ?? before)?.protocol !== 'udp') continue;
    found ??= { udpBefore: new Map(), udpAfter: new Map() };
    if (before) found.udpBefore.set(id, before.endpoints);
    if (after) found.udpAfter.set(id, after.endpoints);
  }
  return found ?? NO_UDP;
}

function winnerOf<C extends Claim>(value: C | readonly C[]): C {
  return 'id' in value ? value : (value[0] as C);
}

function candidates<C extends Claim>(value: C | readonly C[] | undefined): readonly C[] {
  if (!value) return [];
  return 'id' in value ? [value] : value;
}
