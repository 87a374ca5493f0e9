import { Backoff, type Waits } from '../informer/backoff.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

export interface RetryLimits {
  /** First and last wait of a key, in ms, doubling in between; each is between half and whole of it by chance. Default 5 and 1,000,000. */
  readonly waits?: Waits;
  /** Of all keys together. Default 10 a second, 100 at once. */
  readonly rate?: Rate;
  /** From 0 up to 1. Default Math.random. */
  readonly random?: () => number;
}

/** When a key that failed is tried again: its own backoff, or later when too many fail. The defaults are those of client-go. */
export class RetryLimiter {
  readonly #limits: RetryLimits;
  readonly #bucket: TokenBucket;
  readonly #failed = new Map<string, Backoff>();

  constructor(limits: RetryLimits, now: number) {
    this.#limits = limits;
    this.#bucket = new TokenBucket(limits.rate ?? { perSecond: 10, burst: 100 }, now);
  }

  /** In ms, after one more failure. */
  wait(key: string, now: number): number {
    const { waits = [5, 1_000_000], random } = this.#limits;
    const backoff = this.#failed.get(key) ?? new Backoff(waits, random);
    this.#failed.set(key, backoff);
    return Math.max(backoff.next(), this.#bucket.take(now));
  }

  /** Failures since the key was last forgotten. */
  retries(key: string): number {
    return this.#failed.get(key)?.failures ?? 0;
  }

  forget(key: string): void {
    this.#failed.delete(key);
  }
}
