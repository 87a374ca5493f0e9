import { systemTimers, type TimerClock } from '../clock.ts';
import { DelayQueue } from './delay-queue.ts';
import { RetryLimiter, type RetryLimits } from './retry-limiter.ts';

/** Told what happens in a queue, for whatever metrics one keeps; all times in ms. */
export interface WorkQueueMetrics {
  /** Keys that wait to be worked on, whenever their number has changed. */
  readonly depth?: (keys: number) => void;
  /** A key was added that did not wait already. */
  readonly added?: () => void;
  /** Work on a key begins, so long after it was added. */
  readonly started?: (latency: number) => void;
  /** Work on a key is done. */
  readonly finished?: (duration: number) => void;
  /** A key was put off because it had failed. */
  readonly retried?: () => void;
}

export interface WorkQueueOptions {
  /** What `addAfter` waits by, and metrics are timed by. Default: the machine's. */
  readonly clock?: TimerClock;
  /** What `addRateLimited` waits by. Default: `clock`. */
  readonly retryClock?: TimerClock;
  readonly limits?: RetryLimits;
  readonly metrics?: WorkQueueMetrics;
}

/**
 * Keys of objects to be looked at, as the queue of client-go keeps them:
 *
 *     add ──────────────┐
 *     addAfter ─ delay ─┼─▶ waiting, each key once, in the order of first adds ──get──▶ in work ──done──▶
 *     addRateLimited ───┘        ▲                                                        │
 *       └ backoff, jitter, rate  └───────────────── added while in work ──────────────────┘
 *
 * A key is never handed out again before it is done; what is added meanwhile comes up once more afterwards. Adds never
 * fail and are never lost before the queue is shut down; after that they do nothing.
 */
export class WorkQueue {
  readonly #clock: TimerClock;
  readonly #retryClock: TimerClock;
  readonly #metrics: WorkQueueMetrics;
  readonly #limiter: RetryLimiter;
  readonly #later: DelayQueue;
  readonly #retries: DelayQueue;
  /** With the time of the add. */
  readonly #waiting = new Map<string, number>();
  /** With the time it began. */
  readonly #working = new Map<string, number>();
  /** Added while in work, with the time of the add. */
  readonly #again = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  readonly #ended = Promise.withResolvers<void>();
  /** Goes on where it was: to begin anew would pass over all that were removed before. */
  #order = this.#waiting.keys();
  #isWoken = false;
  #isShutDown = false;

  constructor({ clock = systemTimers, retryClock = clock, limits = {}, metrics = {} }: WorkQueueOptions = {}) {
    this.#clock = clock;
    this.#retryClock = retryClock;
    this.#metrics = metrics;
    this.#limiter = new RetryLimiter(limits, retryClock.now());
    this.#later = new DelayQueue(clock, (key) => this.add(key));
    this.#retries = new DelayQueue(retryClock, (key) => this.add(key));
  }

  /** Keys that wait to be worked on, without those that are put off. */
  get depth(): number {
    return this.#waiting.size;
  }

  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  add(key: string): void {
    if (this.#isShutDown || this.#waiting.has(key) || this.#again.has(key)) return;
    this.#metrics.added?.();
    const now = this.#clock.now();
    if (this.#working.has(key)) this.#again.set(key, now);
    else this.#enqueue(key, now);
  }

  /** Adds the key when so many ms have passed; of several waits of a key, the one that ends first counts. */
  addAfter(key: string, delay: number): void {
    if (this.#isShutDown) return;
    if (delay > 0) this.#later.add(key, delay);
    else this.add(key);
  }

  /** Adds the key, which has failed, when its turn has come: after a wait that doubles with each failure until `forget`. */
  addRateLimited(key: string): void {
    if (this.#isShutDown) return;
    this.#metrics.retried?.();
    this.#retries.add(key, this.#limiter.wait(key, this.#retryClock.now()));
  }

  /** The next failure of this key is its first. What is put off already stays so. */
  forget(key: string): void {
    this.#limiter.forget(key);
  }

  /** How often it was put off since it was last forgotten. */
  retries(key: string): number {
    return this.#limiter.retries(key);
  }

  /**
   * The next key, at the end of the turn of the event loop at the earliest, so that what one turn adds is seen as one and
   * work without a wait holds up nothing else. Whoever gets a key says `done`. Undefined: shut down, nothing is left.
   */
  get(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#wake();
    });
  }

  /** The work on this key is over, however it ended. Does nothing for a key that is not in work. */
  done(key: string): void {
    const since = this.#working.get(key);
    if (since === undefined) return;
    this.#working.delete(key);
    this.#metrics.finished?.(this.#clock.now() - since);
    const again = this.#again.get(key);
    if (again !== undefined) this.#enqueue(key, again);
    this.#again.delete(key);
    this.#settle();
  }

  /**
   * Takes no more adds and forgets what is put off. With `drain` what waits is still handed out, without it is dropped.
   * Resolves when nothing waits or is in work.
   */
  shutDown({ drain = false }: { readonly drain?: boolean } = {}): Promise<void> {
    this.#isShutDown = true;
    this.#later.clear();
    this.#retries.clear();
    if (!drain) {
      this.#again.clear();
      this.#waiting.clear();
      this.#metrics.depth?.(0);
    }
    this.#wake();
    this.#settle();
    return this.#ended.promise;
  }

  #enqueue(key: string, added: number): void {
    this.#waiting.set(key, added);
    this.#metrics.depth?.(this.#waiting.size);
    this.#wake();
  }

  #wake(): void {
    if (this.#isWoken || this.#takers.length === 0 || (this.#waiting.size === 0 && !this.#isShutDown)) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      while (this.#waiting.size > 0 && this.#takers.length > 0) this.#takers.shift()?.(this.#take());
      if (this.#isShutDown && this.#working.size === 0) for (const taker of this.#takers.splice(0)) taker(undefined);
    });
  }

  #take(): string | undefined {
    let next = this.#order.next();
    if (next.done) {
      this.#order = this.#waiting.keys();
      next = this.#order.next();
    }
    const key = next.value;
    if (key === undefined) return undefined;
    const now = this.#clock.now();
    this.#metrics.started?.(now - (this.#waiting.get(key) ?? now));
    this.#waiting.delete(key);
    this.#working.set(key, now);
    this.#metrics.depth?.(this.#waiting.size);
    return key;
  }

  #settle(): void {
    if (!this.#isShutDown || this.#waiting.size > 0 || this.#working.size > 0) return;
    this.#wake();
    this.#ended.resolve();
  }
}
