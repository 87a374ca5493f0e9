import { type Logger, messageOf } from '@podwire/base';
import { type Clock, systemClock } from './clock.ts';

export interface KeyQueueOptions {
  readonly name: string;
  /** Brings the object of this key to its desired state; resolves to ms after which to look again, if any. */
  readonly reconcile: (key: string) => Promise<number | undefined>;
  readonly logger: Logger;
  /** What later looks are timed by; retries after failures are always in real time. */
  readonly clock?: Clock | undefined;
}

type Timers = Map<string, { readonly cancel: () => void; readonly due: number }>;

/** Dirty keys, each reconciled by one at a time, up to eight keys at once, retried with backoff (50 ms to 10 s). */
export class KeyQueue {
  readonly #options: KeyQueueOptions;
  readonly #dirty = new Set<string>();
  readonly #running = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #looks: Timers = new Map();
  readonly #retries: Timers = new Map();
  #scheduled = false;
  #stopped = false;

  constructor(options: KeyQueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    this.#dirty.add(key);
    this.#schedule();
  }

  /** One wait per key, the shortest asked for: whoever wants a later look as well says so after the earlier one. */
  addAfter(key: string, delay: number): void {
    this.#wait(key, delay, { clock: this.#options.clock ?? systemClock, timers: this.#looks });
  }

  stop(): void {
    this.#stopped = true;
    this.#dirty.clear();
    for (const { cancel } of [...this.#looks.values(), ...this.#retries.values()]) cancel();
  }

  /** A burst of events of one turn of the event loop becomes one reconcile. */
  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const key of this.#dirty) {
        if (this.#running.size >= 8) break;
        if (!this.#running.has(key)) this.#start(key);
      }
    });
  }

  async #start(key: string): Promise<void> {
    this.#dirty.delete(key);
    this.#running.add(key);
    try {
      const again = await this.#options.reconcile(key);
      this.#failures.delete(key);
      if (again !== undefined) this.addAfter(key, again);
    } catch (error) {
      this.#retry(key, error);
    }
    this.#running.delete(key);
    if (this.#dirty.size > 0) this.#schedule();
  }

  #retry(key: string, error: unknown): void {
    if (this.#stopped) return;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    // A conflict is the normal way to learn that the cache was behind.
    const log = failures > 3 ? this.#options.logger.error : this.#options.logger.debug;
    log('reconcile failed, trying again', { controller: this.#options.name, key, reason: messageOf(error), failures });
    const delay = Math.min(50 * 2 ** (failures - 1), 10_000);
    this.#wait(key, delay, { clock: systemClock, timers: this.#retries });
  }

  #wait(key: string, delay: number, { clock, timers }: { readonly clock: Clock; readonly timers: Timers }): void {
    const due = clock.now() + delay;
    const present = timers.get(key);
    if (this.#stopped || (present && present.due <= due)) return;
    present?.cancel();
    const cancel = clock.after(delay, () => {
      timers.delete(key);
      this.add(key);
    });
    timers.set(key, { cancel, due });
  }
}
