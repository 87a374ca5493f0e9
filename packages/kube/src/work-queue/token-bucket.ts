/** How often in all something may happen. */
export interface Rate {
  readonly perSecond: number;
  /** So many at once, before any wait. */
  readonly burst: number;
}

/** Hands out tokens as they fall due; whoever comes too early is told how long to wait for the one kept for it. */
export class TokenBucket {
  readonly #rate: Rate;
  /** Below zero: promised already. */
  #tokens: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** In ms. */
  take(now: number): number {
    const { perSecond, burst } = this.#rate;
    this.#tokens = Math.min(this.#tokens + ((now - this.#at) * perSecond) / 1000, burst) - 1;
    this.#at = now;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / perSecond) * 1000;
  }
}
