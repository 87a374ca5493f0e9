import type { TimerClock } from '../clock.ts';

/** Timers of Node hold 31 bits of ms. */
const LONGEST_WAIT = 2 ** 31 - 1;

interface Wait {
  readonly due: number;
  readonly cancel: () => void;
}

/** Keys that are to come up later; of several times asked for, the earliest counts. */
export class DelayQueue {
  readonly #clock: TimerClock;
  readonly #emit: (key: string) => void;
  readonly #waits = new Map<string, Wait>();

  constructor(clock: TimerClock, emit: (key: string) => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** `delay` in ms. */
  add(key: string, delay: number): void {
    const due = this.#clock.now() + delay;
    const present = this.#waits.get(key);
    if (present && present.due <= due) return;
    present?.cancel();
    this.#wait(key, due, delay);
  }

  clear(): void {
    for (const { cancel } of this.#waits.values()) cancel();
    this.#waits.clear();
  }

  #wait(key: string, due: number, delay: number): void {
    const cancel = this.#clock.after(Math.min(Math.max(delay, 0), LONGEST_WAIT), () => {
      this.#waits.delete(key);
      if (delay > LONGEST_WAIT) this.#wait(key, due, due - this.#clock.now());
      else this.#emit(key);
    });
    this.#waits.set(key, { due, cancel });
  }
}
