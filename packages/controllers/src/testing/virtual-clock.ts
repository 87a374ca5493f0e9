import type { Clock } from '../clock.ts';

interface Timer {
  readonly due: number;
  readonly act: () => void;
}

/** Time that passes only when a test says so. */
export class VirtualClock implements Clock {
  readonly #timers = new Set<Timer>();
  #now: number;

  constructor(start: string) {
    this.#now = Date.parse(start);
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): () => void {
    const timer = { due: this.#now + Math.max(ms, 0), act };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Calls what falls due on the way, in order. */
  advance(seconds: number): void {
    const end = this.#now + seconds * 1000;
    for (;;) {
      const [next] = [...this.#timers].filter(({ due }) => due <= end).toSorted((a, b) => a.due - b.due);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.act();
    }
    this.#now = end;
  }
}
