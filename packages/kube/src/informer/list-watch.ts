import { hasCode } from '@podwire/base';
import type { ListOptions, WatchEvent } from '../client.ts';
import type { Clock } from '../clock.ts';
import { isExpired, retryAfterOf } from '../errors.ts';
import { Backoff, type Waits } from './backoff.ts';
import { fullList } from './full-list.ts';
import { InitialState } from './initial-state.ts';
import type { ObjectSource } from './object-source.ts';
import type { ObjectStore, Stored } from './object-store.ts';
import { SharedValues } from './shared-values.ts';

export interface ListWatchOptions<T extends Stored> {
  readonly selection: ListOptions;
  readonly store: ObjectStore<T>;
  /** What of an object is kept. */
  readonly transform: (object: T) => T;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly backoff: Waits;
  readonly pageSize: number;
  /** The longest pause within the state sent by a watch, in ms; after it the server is asked for lists instead. */
  readonly patience: number;
  readonly synced: () => void;
  /** Undefined when it works again. */
  readonly failed: (error: unknown) => void;
}

/** A watch that lasted this long, in ms, was a healthy one: the next failure starts with the first wait again. */
const HEALTHY = 5_000;
/** A kind the server never had may come, but is asked for so many times more seldom. */
const ABSENT = 6;
/** So many refusals of a watch in a row, and its revision is not trusted any more. */
const DOUBTS = 4;

/**
 * Keeps a store equal to what the server has.
 *
 *             ┌────────────── 410, doubts ─────────────┐
 *             ▼                                        │
 *   ──▶ list by pages ── revision ──▶ watch from it ───┤
 *   ──▶ watch that begins with the state, where the server can; it goes on as the watch
 *                                        ▲             │
 *                                        └── end, reset, silence: from the last revision seen, after a wait
 */
export class ListWatch<T extends Stored> {
  readonly #source: ObjectSource<T>;
  readonly #options: ListWatchOptions<T>;
  readonly #backoff: Backoff;
  readonly #shared = new SharedValues();
  /** Undefined: list before watching. */
  #resourceVersion: string | undefined;
  #streams: boolean;
  #wasThere = false;
  /** Watches in a row that the server itself refused. */
  #doubts = 0;

  constructor(source: ObjectSource<T>, options: ListWatchOptions<T>) {
    this.#source = source;
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
    this.#streams = source.streamsLists === true;
  }

  /** Resolves when the signal is aborted; never rejects. */
  async run(): Promise<void> {
    const { clock, signal } = this.#options;
    while (!signal.aborted) {
      const startedAt = clock.now();
      let error: unknown;
      try {
        await this.#follow();
      } catch (thrown) {
        error = thrown ?? new Error('failed');
      }
      if (signal.aborted) return;
      this.#options.failed(error);
      // A server may end watches as it likes, but they begin no faster than after the first wait.
      if (error === undefined || clock.now() - startedAt > HEALTHY) this.#backoff.reset();
      await this.#recover(error);
    }
  }

  /** One list or watch, or a watch that begins with the state. */
  async #follow(): Promise<void> {
    if (this.#resourceVersion === undefined && this.#streams) return this.#streamedList();
    this.#resourceVersion ??= await this.#list();
    await this.#watch(this.#resourceVersion);
  }

  async #recover(error: unknown): Promise<void> {
    const { clock, signal } = this.#options;
    const first = this.#backoff.failures === 0;
    const isAbsent = !this.#wasThere && hasCode(error, 'KUBE_NOT_FOUND');
    const own = this.#backoff.next() * (isAbsent ? ABSENT : 1);
    const wait = Math.max(own, (retryAfterOf(error) ?? 0) * 1000);
    const expired = isExpired(error);
    this.#doubts = isDoubtful(error) ? this.#doubts + 1 : 0;
    if (expired || this.#doubts > DOUBTS) this.#resourceVersion = undefined;
    // Listing again is the remedy, and need not wait the first time.
    if (!(expired && first)) await clock.sleep(wait, signal);
  }

  async #list(): Promise<string> {
    const { selection, store, pageSize, signal, clock } = this.#options;
    const { items, resourceVersion } = await fullList(this.#source, {
      selection,
      pageSize,
      signal,
      keep: (object) => this.#keep(object),
      failed: (error) => clock.sleep(Math.max(this.#backoff.next(), (retryAfterOf(error) ?? 0) * 1000), signal),
    });
    store.replace(items);
    this.#synced();
    return resourceVersion;
  }

  /** Servers that cannot do it refuse it; those that do not know it never tell the end of the state. */
  async #streamedList(): Promise<void> {
    const { selection, signal, patience, clock } = this.#options;
    const state = new InitialState<T>(clock);
    const silent = new AbortController();
    void state.untilSilent(patience).then((isSilent) => isSilent && silent.abort());
    let complete = false;
    try {
      const asked = { ...selection, resourceVersion: '', sendInitialEvents: true };
      await this.#source.watch({ ...asked, signal: AbortSignal.any([signal, silent.signal]) }, (event) => {
        if (complete) this.#take(event);
        else complete = this.#begin(state, event);
      });
      // Ended before the state was complete.
      if (!complete) this.#streams = false;
    } catch (error) {
      if (complete || !isRefusal(error)) throw error;
      this.#streams = false;
    } finally {
      state.end();
    }
  }

  /** Whether that was the last of the state, which is in force then. */
  #begin(state: InitialState<T>, event: WatchEvent<T>): boolean {
    if (this.#options.signal.aborted) return false;
    const end = state.take(event, (object) => this.#keep(object));
    if (end === undefined) return false;
    this.#options.store.replace(state.objects);
    state.end();
    this.#resourceVersion = end.metadata?.resourceVersion;
    this.#synced();
    return true;
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { selection, signal, failed } = this.#options;
    // Where nothing changes, no event says for a long time that the server is back.
    const opened = (): void => failed(undefined);
    await this.#source.watch({ ...selection, resourceVersion, signal, opened }, (event) => this.#take(event));
  }

  #take({ type, object }: WatchEvent<T>): void {
    const { store, signal } = this.#options;
    if (signal.aborted) return;
    if (type === 'DELETED') store.remove(object);
    else if (type !== 'BOOKMARK') store.put(this.#keep(object));
    this.#backoff.reset();
    this.#options.failed(undefined);
    const revision = object.metadata?.resourceVersion;
    if (revision) this.#resourceVersion = revision;
  }

  #synced(): void {
    this.#wasThere = true;
    this.#options.failed(undefined);
    this.#options.synced();
  }

  #keep(object: T): T {
    const { store, transform } = this.#options;
    const known = store.known(object);
    return known === object ? this.#shared.share(transform(object)) : known;
  }
}

/** Not the network, nor a server that is busy. */
function isDoubtful(error: unknown): boolean {
  return error !== undefined && !hasCode(error, 'KUBE_UNAVAILABLE') && retryAfterOf(error) === undefined;
}

/** A server without feature WatchList, or from before it. */
function isRefusal(error: unknown): boolean {
  return hasCode(error, 'KUBE_INVALID') || hasCode(error, 'KUBE_API');
}
