import type { ResourceRecord } from './message.ts';
import { RCODE, TYPE } from './numbers.ts';

/** Bounds of the cache of upstream answers; cluster names are never cached. */
export interface CacheOptions {
  /** Default 10,000; the least recently stored go first. */
  readonly maxEntries: number;
  /** Seconds; caps what the records say. Default 3600. */
  readonly maxTtl: number;
  /** Seconds; caps what the SOA of a negative answer says. Default 30. */
  readonly maxNegativeTtl: number;
}

export const DEFAULT_CACHE: CacheOptions = { maxEntries: 10_000, maxTtl: 3600, maxNegativeTtl: 30 };

interface Entry<T> {
  readonly value: T;
  readonly storedAt: number;
  readonly expiresAt: number;
}

/** A bounded map whose entries end with their time to live. Times are in ms from any fixed point. */
export class TtlCache<T> {
  hits = 0;
  misses = 0;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #maxEntries: number;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value and its age in whole seconds. */
  get(key: string, now: number): { value: T; age: number } | undefined {
    const entry = this.#entries.get(key);
    if (entry && entry.expiresAt > now) {
      this.hits++;
      return { value: entry.value, age: Math.floor((now - entry.storedAt) / 1000) };
    }
    if (entry) this.#entries.delete(key);
    this.misses++;
    return undefined;
  }

  /** A ttl of 0 seconds stores nothing. */
  set(key: string, value: T, ttl: number, now: number): void {
    if (ttl <= 0 || this.#maxEntries <= 0) return;
    this.#entries.delete(key);
    if (this.#entries.size >= this.#maxEntries) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
    this.#entries.set(key, { value, storedAt: now, expiresAt: now + ttl * 1000 });
  }
}

export interface Cacheable {
  readonly rcode: number;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
}

/** Seconds an upstream answer may be kept (RFC 2181 5.2, RFC 2308 5); 0 when it may not. */
export function timeToLive(answer: Cacheable, limits: CacheOptions): number {
  const valid = (ttl: number) => (ttl > 0x7fff_ffff ? 0 : ttl); // RFC 2181 8: the top bit set means zero
  const ttls = [...answer.answers, ...answer.authorities].map((record) => valid(record.ttl));
  const soa = answer.authorities.find((record) => record.type === TYPE.SOA);
  const positive = answer.rcode === RCODE.NOERROR && answer.answers.length > 0;
  if (positive && !soa) return Math.min(limits.maxTtl, ...ttls);
  if (answer.rcode !== RCODE.NOERROR && answer.rcode !== RCODE.NXDOMAIN) return 0;
  if (soa?.data.kind !== 'soa') return 0;
  return Math.min(positive ? limits.maxTtl : limits.maxNegativeTtl, soa.data.minimum, ...ttls);
}
