import { messageOf } from './errors.ts';
import type { Logger } from './logger.ts';

/** What one run came to: done; try again by yourself; or wrong until something changes. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly reason: string }
  | { readonly kind: 'terminal'; readonly reason: string };
export const done: Outcome = { kind: 'done' };

export interface RunnerOptions {
  readonly name: string;
  /** One pass over the present state. A throw counts as retry. */
  readonly run: () => Promise<Outcome>;
  readonly logger: Logger;
  /**
   * Least time between the starts of two runs, in ms, as it is now; bursts of triggers become one run. Default 0: what is
   * triggered in one turn of the event loop becomes one run, which begins at the end of that turn.
   */
  readonly minInterval?: number | (() => number);
  /** A run is made at least this often, in ms, triggered or not, to find drift. Default 0: never. */
  readonly maxInterval?: number;
  /** First and last wait after a failed run, in ms, doubling in between. Default 50 and 10,000. */
  readonly backoff?: readonly [first: number, last: number];
}

export interface Runner {
  /**
   * Marks the state as dirty; the run happens soon, at most a second later when runs are failing, and sees everything
   * that happened before it started.
   */
  trigger(): void;
  /** Resolves when the present state was tried, with whatever outcome (see `last`); a wait before a retry is not waited for. */
  idle(): Promise<void>;
  readonly last: Outcome | undefined;
  stop(): Promise<void>;
}

/** Longest wait between a failed run and the next, in ms, once something changed. */
const CHANGED_BACKOFF = 1000;

/** The shared engine of every room controller: coalesces triggers, runs one at a time, retries with backoff. */
export function createRunner(options: RunnerOptions): Runner {
  return new CoalescingRunner(options);
}

class CoalescingRunner implements Runner {
  last: Outcome | undefined;
  readonly #options: RunnerOptions;
  /** Something changed since the last run began. */
  #dirty = false;
  #running: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #due = 0;
  #drift: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #failedAt = 0;
  #failures = 0;
  #stopped = false;
  #waiters: (() => void)[] = [];

  constructor(options: RunnerOptions) {
    this.#options = options;
    if (options.maxInterval) this.#drift = setInterval(() => this.trigger(), options.maxInterval).unref();
  }

  trigger(): void {
    if (this.#stopped) return;
    this.#dirty = true;
    const wait = Math.min(this.#backoff(), CHANGED_BACKOFF);
    this.#schedule(this.#failedAt + wait - performance.now());
  }

  idle(): Promise<void> {
    if (!this.#dirty && !this.#running) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#dirty = false;
    this.#cancel?.();
    clearInterval(this.#drift);
    await this.#running;
    this.#settle();
  }

  /** After this delay, or earlier if a run is due earlier already. */
  #schedule(delay: number): void {
    if (this.#stopped || this.#running) return;
    const now = performance.now();
    const { minInterval = 0 } = this.#options;
    const rest = typeof minInterval === 'number' ? minInterval : minInterval();
    const due = Math.max(now + delay, this.#startedAt + rest, now);
    if (this.#cancel && this.#due <= due) return;
    this.#cancel?.();
    this.#due = due;
    const start = (): void => {
      this.#cancel = undefined;
      this.#running = this.#runOnce();
    };
    // a timer waits at least 1 ms
    this.#cancel = due <= now ? immediate(start) : timeout(start, due - now);
  }

  async #runOnce(): Promise<void> {
    this.#dirty = false;
    this.#startedAt = performance.now();
    const outcome = await this.#attempt();
    this.last = outcome;
    this.#running = undefined;
    if (outcome.kind === 'retry') {
      this.#failures++;
      this.#failedAt = performance.now();
      this.#schedule(this.#dirty ? Math.min(this.#backoff(), CHANGED_BACKOFF) : this.#backoff());
    } else {
      this.#failures = 0;
      if (this.#dirty) this.#schedule(0);
    }
    if (!this.#dirty) this.#settle();
  }

  #backoff(): number {
    if (this.#failures === 0) return 0;
    const [first, last] = this.#options.backoff ?? [50, 10_000];
    return Math.min(first * 2 ** (this.#failures - 1), last);
  }

  async #attempt(): Promise<Outcome> {
    const { name, run, logger } = this.#options;
    try {
      const outcome = await run();
      if (outcome.kind !== 'done')
        logger.error('run did not complete', { runner: name, outcome: outcome.kind, reason: outcome.reason });
      return outcome;
    } catch (error) {
      logger.error('run failed', {
        runner: name,
        reason: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
      return { kind: 'retry', reason: messageOf(error) };
    }
  }

  #settle(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

function immediate(start: () => void): () => void {
  const one = setImmediate(start);
  return () => clearImmediate(one);
}

function timeout(start: () => void, delay: number): () => void {
  const one = setTimeout(start, delay);
  return () => clearTimeout(one);
}
