import type { ApiObject } from '../seam.ts';

/** What is kept is forgotten in so many parts. */
const STEPS = 64;

/** One committed change. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** For DELETED the last state, with the revision of the deletion. */
  readonly object: ApiObject;
  readonly previous: ApiObject | undefined;
}

/** An object's value of the field its kind is indexed by. */
export type IndexedBy = (object: ApiObject) => string;

/** Memory that the past of one kind may take, about. */
const MAX_BYTES = 128 * 1024 * 1024;

interface HistoryLimits {
  /** At least so many events are kept, and a few more; fewer when they are large. */
  readonly kept: number;
  readonly maxBytes?: number;
}

/** The recent events of one kind, by revision; all watches of the kind read it. */
export class EventHistory {
  readonly #kept: number;
  /** So many are forgotten at once: one by one takes longer, and half of them as long as a hundred writes. */
  readonly #step: number;
  readonly #maxBytes: number;
  readonly #indexedBy: IndexedBy | undefined;
  readonly #ofValue = new Map<string, StoreEvent[]>();
  readonly #events: StoreEvent[] = [];
  readonly #bytes: number[] = [];
  #total = 0;
  #forgotten = 0;

  /** With `indexedBy`, the events of objects that have a value there can be read without the others. */
  constructor({ kept, maxBytes = MAX_BYTES }: HistoryLimits, indexedBy?: IndexedBy) {
    this.#kept = kept;
    this.#step = Math.ceil(kept / STEPS);
    this.#maxBytes = maxBytes;
    this.#indexedBy = indexedBy;
  }

  /** Events up to this revision may be missing. */
  get forgotten(): number {
    return this.#forgotten;
  }

  push(event: StoreEvent): void {
    const bytes = bytesHeld(event);
    this.#events.push(event);
    this.#bytes.push(bytes);
    this.#total += bytes;
    for (const value of this.valuesOf(event)) mapped(this.#ofValue, value).push(event);
    if (this.#events.length > this.#kept + this.#step) this.#forget(this.#events.length - this.#kept);
    else if (this.#total > this.#maxBytes) this.#forget(this.#surplus());
  }

  /** The events newer than the revision, the oldest first; with a value only those of objects that have or had it. */
  after(revision: number, limit = Number.POSITIVE_INFINITY, value?: string): readonly StoreEvent[] {
    const events = value === undefined ? this.#events : (this.#ofValue.get(value) ?? []);
    const from = firstAfter(events, revision);
    return events.slice(from, from + limit);
  }

  /** What the object of an event has in the indexed field, and what it had before. */
  valuesOf({ type, object, previous }: StoreEvent): readonly string[] {
    if (!this.#indexedBy) return NONE;
    const is = type === 'DELETED' ? undefined : this.#indexedBy(object);
    const was = previous && this.#indexedBy(previous);
    return [...(is === undefined ? [] : [is]), ...(was === undefined || was === is ? [] : [was])];
  }

  /** How many of the oldest must go to be down to half of what is allowed; never the newest. */
  #surplus(): number {
    let left = this.#total;
    let count = 0;
    while (left > this.#maxBytes / 2 && count < this.#events.length - 1) left -= this.#bytes[count++] ?? 0;
    return count;
  }

  #forget(count: number): void {
    for (const bytes of this.#bytes.splice(0, count)) this.#total -= bytes;
    const gone = this.#events.splice(0, count);
    this.#forgotten = gone.at(-1)?.revision ?? this.#forgotten;
    for (const value of new Set(gone.flatMap((event) => this.valuesOf(event)))) this.#trim(value);
  }

  #trim(value: string): void {
    const events = this.#ofValue.get(value) ?? [];
    const left = events.slice(firstAfter(events, this.#forgotten));
    if (left.length > 0) this.#ofValue.set(value, left);
    else this.#ofValue.delete(value);
  }
}

const NONE: readonly string[] = [];

function firstAfter(events: readonly StoreEvent[], revision: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}

function mapped(lists: Map<string, StoreEvent[]>, key: string): StoreEvent[] {
  const list = lists.get(key) ?? [];
  if (list.length === 0) lists.set(key, list);
  return list;
}

/** What an event keeps in memory that would be gone without it. */
function bytesHeld({ type, object, previous }: StoreEvent): number {
  return type === 'DELETED' ? bytesOf(object, undefined) : bytesOf(previous, object);
}

const OBJECT_BYTES = 48;
const FIELD_BYTES = 16;

/** About, of plain data without the parts it shares with other data. */
function bytesOf(value: unknown, other: unknown): number {
  if (value === other) return 0;
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  const shared = typeof other === 'object' && other !== null ? (other as Record<string, unknown>) : undefined;
  let sum = OBJECT_BYTES;
  for (const key in value) {
    sum += FIELD_BYTES + bytesOf((value as Record<string, unknown>)[key], shared?.[key]);
  }
  return sum;
}
