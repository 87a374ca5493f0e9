/** First and last wait, in ms, before something is tried again. */
export type Waits = readonly [first: number, last: number];

/** Waits that double, up to a last one, each between half and whole of it by chance so that clients do not come together. */
export class Backoff {
  readonly #waits: Waits;
  readonly #random: () => number;
  #failures = 0;

  constructor(waits: Waits, random: () => number = Math.random) {
    this.#waits = waits;
    this.#random = random;
  }

  get failures(): number {
    return this.#failures;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** In ms, after one more failure. */
  next(): number {
    const [first, last] = this.#waits;
    const whole = Math.min(first * 2 ** Math.min(this.#failures, 30), last);
    this.#failures++;
    return whole * (0.5 + this.#random() / 2);
  }
}
