import { sizeOf } from './encode-set.ts';
import type { ElementStatement, NamedObject, NamedSet, SetElement, Table } from './model.ts';
import type { VirtualPacket } from './virtual-packet.ts';

const SECONDS = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 } as const;

/** What a statement of a rule, of an element or a named object has counted so far. */
type Owner = object | string;

interface Bucket {
  tokens: number;
  last: number;
}

interface LiveElement {
  readonly element: SetElement;
  /** Seconds of the clock; undefined: it stays. */
  expires: number | undefined;
}

type TableName = Pick<Table, 'family' | 'name'>;
const keyText = (element: SetElement): string => JSON.stringify(element.key);

/** What rules remember between packets, as the kernel keeps it: limits, quotas, counts, and elements they added. */
export class RulesetState {
  readonly #clock: () => number;
  readonly #buckets = new Map<Owner, Bucket>();
  readonly #amounts = new Map<Owner, { packets: number; bytes: number }>();
  readonly #connections = new Map<Owner, Set<string>>();
  readonly #elements = new Map<string, Map<string, LiveElement>>();

  /** `clock` gives seconds; without one time stands still. */
  constructor(clock: () => number = () => 0) {
    this.#clock = clock;
  }

  /** Packets and bytes that a counter or quota has seen since this state began; the owner is the statement itself. */
  counted(owner: Owner): { readonly packets: number; readonly bytes: number } {
    return this.#amounts.get(owner) ?? { packets: 0, bytes: 0 };
  }

  /** Counts the packet; whether the rule goes on. */
  passes(statement: ElementStatement, packet: VirtualPacket, owner: Owner = statement): boolean {
    switch (statement.kind) {
      case 'counter':
        this.#add(owner, packet);
        return true;
      case 'quota': {
        const { bytes } = this.#add(owner, packet);
        return bytes + (statement.used ?? 0) > statement.bytes === (statement.over ?? false);
      }
      case 'limit':
        return this.#limit(statement, packet, owner) !== (statement.over ?? false);
      case 'ct-count':
        return this.#connect(owner, packet) > statement.count === (statement.over ?? false);
    }
  }

  /** A named object of the table; those that only belong to connections let every packet go on. */
  passesObject(table: TableName, object: NamedObject, packet: VirtualPacket): boolean {
    if (object.kind !== 'counter' && object.kind !== 'quota' && object.kind !== 'limit') return true;
    return this.passes(object, packet, `${table.family} ${table.name} ${object.kind} ${object.name}`);
  }

  /** Elements that rules have added and that live. */
  elements(table: TableName, set: string): SetElement[] {
    if (this.#elements.size === 0) return [];
    return Array.from(this.#live(table, set).values(), ({ element }) => element);
  }

  /** Adds, refreshes or removes an element; false when the set is full. */
  update(table: TableName, set: NamedSet, change: { op: 'add' | 'update' | 'delete'; element: SetElement }): boolean {
    const live = this.#live(table, set.name);
    const key = keyText(change.element);
    if (change.op === 'delete') return live.delete(key);
    const present = live.get(key);
    const timeout = change.element.timeout ?? set.timeout;
    const expires = timeout === undefined ? undefined : this.#clock() + timeout;
    if (present && change.op === 'update') live.set(key, { element: change.element, expires });
    if (present) return true;
    const isStatic = set.elements.some((element) => keyText(element) === key);
    if (isStatic) return true;
    if (live.size + set.elements.length >= (sizeOf(set) ?? Number.POSITIVE_INFINITY)) return false;
    live.set(key, { element: change.element, expires });
    return true;
  }

  #live(table: TableName, set: string): Map<string, LiveElement> {
    const id = `${table.family} ${table.name} ${set}`;
    const all = this.#elements.get(id) ?? new Map<string, LiveElement>();
    this.#elements.set(id, all);
    for (const [key, { expires }] of all) if (expires !== undefined && expires <= this.#clock()) all.delete(key);
    return all;
  }

  #add(owner: Owner, { length = 60 }: VirtualPacket): { packets: number; bytes: number } {
    const amount = this.#amounts.get(owner) ?? { packets: 0, bytes: 0 };
    amount.packets++;
    amount.bytes += length;
    this.#amounts.set(owner, amount);
    return amount;
  }

  /** A bucket of seconds (net/netfilter/nft_limit.c): a packet costs as long as the rate lets one pass. */
  #limit(statement: Extract<ElementStatement, { kind: 'limit' }>, packet: VirtualPacket, owner: Owner): boolean {
    const { rate, per, unit = 'packets', burst = unit === 'bytes' ? 0 : 5 } = statement;
    const each = SECONDS[per] / rate;
    const most = unit === 'bytes' ? each * (rate + burst) : each * burst;
    const cost = unit === 'bytes' ? each * (packet.length ?? 60) : each;
    const now = this.#clock();
    const bucket = this.#buckets.get(owner) ?? { tokens: most, last: now };
    this.#buckets.set(owner, bucket);
    const tokens = Math.min(most, bucket.tokens + now - bucket.last);
    const enough = tokens - cost > -1e-9;
    bucket.tokens = enough ? tokens - cost : tokens;
    bucket.last = now;
    return enough;
  }

  #connect(owner: Owner, { saddr, daddr, protocol, sport, dport, ct }: VirtualPacket): number {
    const seen = this.#connections.get(owner) ?? new Set<string>();
    this.#connections.set(owner, seen);
    const first = ct?.original ?? { saddr, daddr, protocol, sport, dport };
    seen.add([first.saddr, first.daddr, first.protocol, first.sport, first.dport].join(' '));
    return seen.size;
  }
}
