import { setImmediate } from 'node:timers/promises';
import { hasCode, messageOf, PodwireError } from '@podwire/base';
import { equalJson, type KindId } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import type { Change, RecordKey, Recovered, StateBackend } from '../state/backend.ts';
import type { StateRecord } from '../state/record.ts';
import { StateLog } from '../state/state-log.ts';
import { CommonParts } from './common-parts.ts';
import type { StoreEvent } from './event-history.ts';
import type { EventListener } from './event-listeners.ts';
import { valueOfIndexed } from './field-index.ts';
import { Shelf } from './shelf.ts';
import { keyOf } from './sorted-objects.ts';
import { internalError, unavailable } from './status.ts';

export type { StoreEvent } from './event-history.ts';
export { keyOf } from './sorted-objects.ts';

interface Staged {
  readonly kind: KindId;
  readonly key: string;
  readonly event: StoreEvent;
  /** The object as JSON, when it has to be kept: of a removal nothing is. */
  readonly text: string | undefined;
  readonly settle: (error?: unknown) => void;
}

export interface StoreOptions {
  /** Absent: memory only. */
  readonly directory?: string;
  /** Events kept per kind for watches that start in the past. Default 16384. */
  readonly historyLength?: number;
  readonly rotateBytes?: number;
  /** Another place than a directory, and what was found there. */
  readonly backend?: { readonly state: StateBackend; readonly recovered: Recovered };
}

/** Writes without a backend that are committed before everybody else gets a turn of the event loop. */
const TURN = 256;

/** `before` is absent of what is new, `after` of what is removed. */
type StagedListener = (kind: KindId, before: ApiObject | undefined, after: ApiObject | undefined) => void;

/** What others changed in the backend, or that anything may have changed. */
type Outside = readonly RecordKey[] | 'anything';

/**
 * Objects by kind and key, one revision counter, and the events in between. A write is visible to the next write at
 * once, and to readers and watchers when it is durable; writes that wait together share one fdatasync.
 *
 *     put/remove ─▶ staged ─▶ [log: write + fdatasync] ─▶ committed objects ─▶ listeners ─▶ promise resolves
 */
export class Store {
  readonly recovered: Recovered | undefined;
  readonly #shelves = new Map<KindId, Shelf>();
  readonly #parts = new CommonParts();
  readonly #backend: StateBackend | undefined;
  readonly #refusalListeners = new Set<() => void>();
  readonly #stagedListeners = new Set<StagedListener>();
  readonly #historyLength: number;
  #revision: number;
  #committedRevision: number;
  readonly #startRevision: number;
  #queue: Staged[] = [];
  #outside: Outside[] = [];
  #flushing: Promise<void> | undefined;
  #broken: PodwireError | undefined;
  #committedInTurn = 0;

  private constructor(options: StoreOptions, backend?: StateBackend, recovered?: Recovered) {
    this.#historyLength = options.historyLength ?? 16_384;
    this.#backend = backend;
    this.recovered = recovered;
    for (const record of recovered?.records ?? []) this.#restore(record);
    const last = recovered?.records.reduce((max, record) => Math.max(max, record.revision), 0) ?? 0;
    // An empty store starts at the clock, so that a watcher of an earlier, forgotten store never meets its own
    // revision again: it is told 410 and lists.
    this.#revision = last || Date.now();
    this.#committedRevision = this.#revision;
    this.#startRevision = this.#revision;
  }

  static async open(options: StoreOptions): Promise<Store> {
    const { backend } = options;
    if (backend) {
      const store = new Store(options, backend.state, backend.recovered);
      store.#follow(backend.state);
      return store;
    }
    if (!options.directory) return new Store(options);
    const { directory, rotateBytes } = options;
    const { log, recovered } = await StateLog.open(
      rotateBytes === undefined ? { directory } : { directory, rotateBytes },
    );
    return new Store(options, log, recovered);
  }

  /** Of the last committed write. */
  get revision(): number {
    return this.#committedRevision;
  }

  get(kind: KindId, key: string): ApiObject | undefined {
    return this.#shelf(kind).objects.get(key);
  }

  /** How many objects of the kind there are. */
  size(kind: KindId): number {
    return this.#shelves.get(kind)?.objects.size ?? 0;
  }

  /** As get, with writes that are not yet durable: what the next write must start from. */
  latest(kind: KindId, key: string): ApiObject | undefined {
    const { staged, objects } = this.#shelf(kind);
    const newest = staged.get(key);
    return newest ? newest.object : objects.get(key);
  }

  /** In order of namespace and name. */
  list(kind: KindId): readonly ApiObject[] {
    return this.#shelf(kind).sorted();
  }

  /** As list, of the objects with a value of the kind's indexed field. */
  listOf(kind: KindId, value: string): readonly ApiObject[] {
    return this.#shelf(kind).sortedOf(value);
  }

  /** As list in no order, with writes that are not yet durable: what the next write must start from. */
  latestOf(kind: KindId): readonly ApiObject[] {
    return this.#shelf(kind).latest();
  }

  /** As latestOf, in order, of the objects of a namespace. */
  latestIn(kind: KindId, namespace: string): readonly ApiObject[] {
    return this.#shelf(kind).latestIn(namespace);
  }

  /** The kind's objects as they were at a revision of the recent past; undefined when it is no longer known. */
  listAt(kind: KindId, revision: number): readonly ApiObject[] | undefined {
    const shelf = this.#shelf(kind);
    const isKnown = revision <= this.#committedRevision && revision >= this.#oldest(shelf);
    return isKnown ? shelf.sortedAt(revision) : undefined;
  }

  /**
   * Stores the object (its resourceVersion is set here) and resolves with it when it is durable. The caller has
   * checked it against latest() in the same synchronous stretch.
   */
  put(kind: KindId, object: ApiObject): Promise<ApiObject> {
    const previous = this.latest(kind, keyOf(object));
    return this.#stage(kind, object, previous, previous ? 'MODIFIED' : 'ADDED');
  }

  /** Removes the object; resolves with its last state. */
  remove(kind: KindId, object: ApiObject): Promise<ApiObject> {
    return this.#stage(kind, object, this.latest(kind, keyOf(object)), 'DELETED');
  }

  /**
   * Undefined when events after the revision are no longer known, or the revision is of another store: list again. With a
   * value of the kind's indexed field, only of events that concern it.
   */
  watch(kind: KindId, since: number, listener: EventListener, value?: string): (() => void) | undefined {
    const shelf = this.#shelf(kind);
    if (since < this.#oldest(shelf) || since > this.#committedRevision) return undefined;
    for (const event of shelf.history.after(since, undefined, value)) listener(event);
    return shelf.listeners.add(listener, value);
  }

  /** The oldest events of the kind after a revision; undefined when they are no longer known. */
  eventsAfter(kind: KindId, revision: number, limit: number, value?: string): readonly StoreEvent[] | undefined {
    const shelf = this.#shelf(kind);
    return revision < this.#oldest(shelf) ? undefined : shelf.history.after(revision, limit, value);
  }

  /** The oldest revision a watch of the kind can start from. */
  oldestRevision(kind: KindId): number {
    return this.#oldest(this.#shelf(kind));
  }

  /** Why writes are not taken; undefined: they are. */
  get trouble(): string | undefined {
    return this.#broken?.message ?? this.#backend?.trouble;
  }

  async close(): Promise<void> {
    this.#broken ??= new PodwireError('APISERVER_STATE_WRITE', 'the API server is stopped');
    // What does not answer must not keep the server from ending.
    if (this.#backend?.trouble !== undefined) await this.#backend.close();
    while (this.#flushing) await this.#flushing;
    await this.#backend?.close();
  }

  #oldest(shelf: Shelf): number {
    return Math.max(shelf.history.forgotten, this.#startRevision);
  }

  #shelf(kind: KindId): Shelf {
    const present = this.#shelves.get(kind);
    if (present) return present;
    const shelf = new Shelf(this.#historyLength, valueOfIndexed(kind));
    this.#shelves.set(kind, shelf);
    return shelf;
  }

  #restore({ kind, key, object }: StateRecord): void {
    this.#shelf(kind as KindId).restore(
      key,
      object === undefined ? undefined : this.#parts.freeze(object as ApiObject),
    );
  }

  /** Calls back when staged writes were refused: what was booked for them ahead is to be made anew from list(). */
  onRefusal(listener: () => void): void {
    this.#refusalListeners.add(listener);
  }

  /** Calls back with each write before put() or remove() returns, as latest() tells it. */
  onStaged(listener: StagedListener): void {
    this.#stagedListeners.add(listener);
  }

  #stage(
    kind: KindId,
    draft: ApiObject,
    previous: ApiObject | undefined,
    type: StoreEvent['type'],
  ): Promise<ApiObject> {
    if (this.#broken) return Promise.reject(internalError(this.#broken.message));
    if (this.#backend?.trouble !== undefined) return Promise.reject(unavailable(this.#backend.trouble));
    const revision = ++this.#revision;
    const thawed = { ...draft, metadata: { ...draft.metadata, resourceVersion: String(revision) } };
    const object = this.#parts.freeze(thawed, previous);
    const key = keyOf(object);
    const isRemoval = type === 'DELETED';
    this.#shelf(kind).staged.set(key, { revision, object: isRemoval ? undefined : object });
    for (const listener of this.#stagedListeners) listener(kind, previous, isRemoval ? undefined : object);
    const text = this.#backend && !isRemoval ? JSON.stringify(object) : undefined;
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => (error === undefined ? resolve(object) : reject(error));
      this.#queue.push({ kind, key, event: { type, revision, object, previous }, text, settle });
      this.#flushing ??= this.#flush();
    });
  }

  async #flush(): Promise<void> {
    do {
      await this.#pause();
      if (this.#outside.length > 0) await this.#adopt(this.#outside.splice(0));
      const batch = this.#nextBatch();
      if (batch.length === 0) continue;
      try {
        await this.#backend?.append(batch.map(toChange), () => this.#snapshot(batch));
      } catch (error) {
        this.#fail(error, [...batch, ...this.#queue.splice(0)]);
        continue;
      }
      for (const staged of batch) this.#commit(staged);
    } while (this.#queue.length > 0 || this.#outside.length > 0);
    this.#flushing = undefined;
  }

  /**
   * A turn of the microtask queue lets writes of the same tick share the commit, and keeps listeners from being called inside
   * a write. A turn of the event loop now and then lets sockets be served while writers in this process go on and on.
   */
  #pause(): Promise<void> {
    if (this.#backend || this.#committedInTurn < TURN) return Promise.resolve();
    this.#committedInTurn = 0;
    return setImmediate();
  }

  /** As many as the backend takes at once, or as one turn of the event loop has room for. */
  #nextBatch(): Staged[] {
    if (!this.#backend) return this.#queue.splice(0, TURN);
    const { records, bytes } = this.#backend.limit ?? { records: Number.POSITIVE_INFINITY, bytes: 0 };
    if (records === Number.POSITIVE_INFINITY) return this.#queue.splice(0);
    let [count, length] = [0, 0];
    for (const { text = '' } of this.#queue) {
      length += Buffer.byteLength(text);
      if (count === records || (count > 0 && length > bytes)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #follow(backend: StateBackend): void {
    backend.follow?.({
      changed: (keys) => {
        this.#outside.push(keys ?? 'anything');
        this.#flushing ??= this.#flush();
      },
      lost: (error) => {
        this.#broken ??= new PodwireError('APISERVER_STATE_WRITE', error.message, { cause: error });
      },
    });
  }

  /** Writes of others become writes of ours: they get a revision, and watchers see them. Our own go first. */
  async #adopt(outside: readonly Outside[]): Promise<void> {
    const isAny = outside.includes('anything');
    const keys = isAny ? undefined : outside.flatMap((part) => (part === 'anything' ? [] : part));
    let found: readonly StateRecord[];
    try {
      found = (await this.#backend?.read?.(keys)) ?? [];
    } catch (error) {
      process.emitWarning(`what others wrote could not be read: ${messageOf(error)}`);
      return;
    }
    const present = new Map(found.map((record) => [`${record.kind} ${record.key}`, record]));
    for (const { kind, key, object } of found) this.#take(kind as KindId, key, object as ApiObject);
    for (const { kind, key } of keys ?? this.#allKeys())
      if (!present.has(`${kind} ${key}`)) this.#take(kind as KindId, key, undefined);
  }

  #take(kind: KindId, key: string, object: ApiObject | undefined): void {
    const { objects, staged } = this.#shelf(kind);
    const ours = objects.get(key);
    if (this.#broken || staged.has(key) || equalJson(ours, object)) return;
    const written = object ? this.put(kind, object) : ours && this.remove(kind, ours);
    // The next change, or the next start, shows it again.
    written?.catch((error) => process.emitWarning(`${kind} ${key} of others was not taken: ${messageOf(error)}`));
  }

  #allKeys(): readonly RecordKey[] {
    return [...this.#shelves].flatMap(([kind, { objects }]) => [...objects.keys()].map((key) => ({ kind, key })));
  }

  #commit({ kind, key, event, settle }: Staged): void {
    const shelf = this.#shelf(kind);
    shelf.commit(key, event);
    this.#committedInTurn++;
    this.#committedRevision = event.revision;
    shelf.listeners.tell(event, shelf.history.valuesOf(event), (error) => {
      process.emitWarning(`a watch of ${kind} was ended: ${messageOf(error)}`);
    });
    settle();
  }

  /** Later writes may have been made of the lost ones, so they are lost, too; what is shown to readers is as it was. */
  #fail(cause: unknown, lost: readonly Staged[]): void {
    const isRefusal = hasCode(cause, 'APISERVER_STATE_REFUSED');
    const why = isRefusal ? messageOf(cause) : `the state could not be written (${messageOf(cause)})`;
    // What is kept and what is in memory may differ now, which only a restart can tell.
    const message = isRefusal ? why : `${why}; writes are refused until a restart`;
    if (!isRefusal) this.#broken ??= new PodwireError('APISERVER_STATE_WRITE', message, { cause });
    for (const shelf of this.#shelves.values()) shelf.staged.clear();
    for (const { settle } of lost) settle(isRefusal ? unavailable(message) : internalError(message));
    for (const listener of this.#refusalListeners) listener();
  }

  /** Everything as of the batch just logged. */
  #snapshot(batch: readonly Staged[]): Iterable<StateRecord> {
    const all = new Map<string, StateRecord>();
    const revision = batch.at(-1)?.event.revision ?? this.#committedRevision;
    for (const [kind, shelf] of this.#shelves) {
      for (const object of shelf.sorted()) {
        const key = keyOf(object);
        all.set(`${kind} ${key}`, { kind, key, revision: revisionOf(object), object });
      }
    }
    for (const { kind, key, event } of batch) {
      if (event.type === 'DELETED') all.delete(`${kind} ${key}`);
      else all.set(`${kind} ${key}`, { kind, key, revision: event.revision, object: event.object });
    }
    // Keeps the counter from going back when the newest change was a removal.
    all.set('', { kind: 'revision', key: '', revision });
    return [...all.values()];
  }
}

function toChange({ kind, key, event: { revision }, text }: Staged): Change {
  return { kind, key, revision, text };
}

function revisionOf(object: ApiObject): number {
  return Number(object.metadata.resourceVersion);
}
