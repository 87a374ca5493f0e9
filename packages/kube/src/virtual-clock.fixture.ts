import type { Clock, TimerClock } from './clock.ts';

/** Time that goes on only when the test says so, in whole ms; sleepers wake in order. */
export class VirtualClock implements Clock, TimerClock {
  #now = 0;
  readonly #sleepers = new Set<{ readonly due: number; readonly wake: () => void }>();

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      // what is left of a fraction could be too small to add
      const sleeper = { due: this.#now + Math.ceil(Math.max(ms, 0)), wake: resolve };
      if (signal?.aborted) return resolve();
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        resolve();
      });
    });
  }

  after(ms: number, act: () => void): () => void {
    const sleeper = { due: this.#now + Math.ceil(Math.max(ms, 0)), wake: act };
    this.#sleepers.add(sleeper);
    return () => this.#sleepers.delete(sleeper);
  }

  /** `each` is called whenever something may have happened. */
  async advance(ms: number, each: () => void = () => {}): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      each();
      const [next] = [...this.#sleepers].sort((a, b) => a.due - b.due);
      if (!next || next.due > end) break;
      this.#now = next.due;
      this.#sleepers.delete(next);
      next.wake();
    }
    this.#now = end;
    await settled();
    each();
  }
}

/** All that waits for nothing but other promises has run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
