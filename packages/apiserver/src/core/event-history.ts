import type { ApiObject } from '../seam.ts';

/** One committed change. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** For DELETED the last state, with the revision of the deletion. */
  readonly object: ApiObject;
  readonly previous: ApiObject | undefined;
}

/** Memory that the past of one kind may take, about. */
const MAX_BYTES = 128 * 1024 * 1024;

/** The recent events of one kind, by revision; all watches of the kind read it. */
export class EventHistory {
  readonly #kept: number;
  readonly #maxBytes: number;
  #events: StoreEvent[] = [];
  #bytes: number[] = [];
  #total = 0;
  #forgotten = 0;

  /** Keeps at least so many events, and at most twice as many; fewer when they are large. */
  constructor(kept: number, maxBytes = MAX_BYTES) {
    this.#kept = kept;
    this.#maxBytes = maxBytes;
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
    if (this.#events.length > 2 * this.#kept) this.#forget(this.#events.length - this.#kept);
    else if (this.#total > this.#maxBytes) this.#forget(this.#surplus());
  }

  /** The events newer than the revision, the oldest first. */
  after(revision: number, limit = Number.POSITIVE_INFINITY): readonly StoreEvent[] {
    const from = this.#firstAfter(revision);
    return this.#events.slice(from, from + limit);
  }

  /** How many of the oldest must go to be down to half of what is allowed; never the newest. */
  #surplus(): number {
    let left = this.#total;
    let count = 0;
    while (left > this.#maxBytes / 2 && count < this.#events.length - 1) left -= this.#bytes[count++] ?? 0;
    return count;
  }

  #forget(count: number): void {
    for (let i = 0; i < count; i++) this.#total -= this.#bytes[i] ?? 0;
    this.#forgotten = this.#events[count - 1]?.revision ?? this.#forgotten;
    this.#events = this.#events.slice(count);
    this.#bytes = this.#bytes.slice(count);
  }

  #firstAfter(revision: number): number {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
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
  for (const key of Object.keys(value)) {
    sum += FIELD_BYTES + bytesOf((value as Record<string, unknown>)[key], shared?.[key]);
  }
  return sum;
}
