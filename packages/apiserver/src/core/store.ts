import { messageOf, PodwireError } from '@podwire/base';
import { freezeJson, type KindId } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { encodeRecord, type StateRecord } from './record.ts';
import { type Recovered, StateLog } from './state-log.ts';
import { internalError } from './status.ts';

/** One committed change. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** For DELETED the last state, with the revision of the deletion. */
  readonly object: ApiObject;
  readonly previous: ApiObject | undefined;
}

interface Staged {
  readonly kind: KindId;
  readonly key: string;
  readonly event: StoreEvent;
  readonly settle: (error?: unknown) => void;
}

export interface StoreOptions {
  /** Absent: memory only. */
  readonly directory?: string;
  /** Events kept per kind for watches that start in the past. Default 4096. */
  readonly historyLength?: number;
  readonly rotateBytes?: number;
}

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function keyOf({ metadata }: ApiObject): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : (metadata.name ?? '');
}

/** All objects of one kind with the recent past. */
class Shelf {
  readonly objects = new Map<string, ApiObject>();
  /** Written but not yet durable; undefined: a removal. */
  readonly staged = new Map<string, { readonly revision: number; readonly object: ApiObject | undefined }>();
  readonly listeners = new Set<(event: StoreEvent) => void>();
  /** Ordered by revision; complete after `forgotten`. */
  history: StoreEvent[] = [];
  forgotten = 0;
  #sorted: ApiObject[] | undefined;

  /** In key order, as etcd lists. */
  sorted(): readonly ApiObject[] {
    this.#sorted ??= [...this.objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
    return this.#sorted;
  }

  commit(key: string, event: StoreEvent): void {
    if (event.type === 'DELETED') this.objects.delete(key);
    else this.objects.set(key, event.object);
    this.#sorted = undefined;
    if (this.staged.get(key)?.revision === event.revision) this.staged.delete(key);
    this.history.push(event);
  }
}

/**
 * Objects by kind and key, one revision counter, and the events in between. A write is visible to the next write at
 * once, and to readers and watchers when it is durable; writes that wait together share one fdatasync.
 *
 *     put/remove ─▶ staged ─▶ [log: write + fdatasync] ─▶ committed objects ─▶ listeners ─▶ promise resolves
 */
export class Store {
  readonly recovered: Recovered | undefined;
  readonly #shelves = new Map<KindId, Shelf>();
  readonly #log: StateLog | undefined;
  readonly #historyLength: number;
  #revision: number;
  #committedRevision: number;
  readonly #startRevision: number;
  #queue: Staged[] = [];
  #flushing: Promise<void> | undefined;
  #broken: PodwireError | undefined;

  private constructor(options: StoreOptions, log?: StateLog, recovered?: Recovered) {
    this.#historyLength = options.historyLength ?? 4096;
    this.#log = log;
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

  /** As list in no order, with writes that are not yet durable: what the next write must start from. */
  latestOf(kind: KindId): readonly ApiObject[] {
    const { staged, objects } = this.#shelf(kind);
    if (staged.size === 0) return [...objects.values()];
    const newest = new Map(objects);
    for (const [key, { object }] of staged) {
      if (object) newest.set(key, object);
      else newest.delete(key);
    }
    return [...newest.values()];
  }

  /** The kind's objects as they were at a revision of the recent past; undefined when it is no longer known. */
  listAt(kind: KindId, revision: number): readonly ApiObject[] | undefined {
    const shelf = this.#shelf(kind);
    if (revision > this.#committedRevision || revision < this.#oldest(shelf)) return undefined;
    const undone = shelf.history.slice(firstAfter(shelf.history, revision));
    if (undone.length === 0) return shelf.sorted();
    const past = new Map(shelf.objects);
    for (const { object, previous } of undone.reverse()) {
      if (previous) past.set(keyOf(object), previous);
      else past.delete(keyOf(object));
    }
    return [...past].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
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

  /** Undefined when events after the revision are no longer known, or the revision is of another store: list again. */
  watch(kind: KindId, since: number, listener: (event: StoreEvent) => void): (() => void) | undefined {
    const shelf = this.#shelf(kind);
    if (since < this.#oldest(shelf) || since > this.#committedRevision) return undefined;
    for (const event of shelf.history.slice(firstAfter(shelf.history, since))) listener(event);
    shelf.listeners.add(listener);
    return () => shelf.listeners.delete(listener);
  }

  /** The oldest revision a watch of the kind can start from. */
  oldestRevision(kind: KindId): number {
    return this.#oldest(this.#shelf(kind));
  }

  async close(): Promise<void> {
    while (this.#flushing) await this.#flushing;
    this.#broken ??= new PodwireError('APISERVER_STATE_WRITE', 'the API server is stopped');
    await this.#log?.close();
  }

  #oldest(shelf: Shelf): number {
    return Math.max(shelf.forgotten, this.#startRevision);
  }

  #shelf(kind: KindId): Shelf {
    const present = this.#shelves.get(kind);
    if (present) return present;
    const shelf = new Shelf();
    this.#shelves.set(kind, shelf);
    return shelf;
  }

  #restore({ kind, key, object }: StateRecord): void {
    const { objects } = this.#shelf(kind as KindId);
    if (object === undefined) objects.delete(key);
    else objects.set(key, freezeJson(object as ApiObject));
  }

  #stage(
    kind: KindId,
    draft: ApiObject,
    previous: ApiObject | undefined,
    type: StoreEvent['type'],
  ): Promise<ApiObject> {
    if (this.#broken) return Promise.reject(internalError(this.#broken.message));
    const revision = ++this.#revision;
    const object = freezeJson({ ...draft, metadata: { ...draft.metadata, resourceVersion: String(revision) } });
    const key = keyOf(object);
    this.#shelf(kind).staged.set(key, { revision, object: type === 'DELETED' ? undefined : object });
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => (error === undefined ? resolve(object) : reject(error));
      this.#queue.push({ kind, key, event: { type, revision, object, previous }, settle });
      this.#flushing ??= this.#flush();
    });
  }

  async #flush(): Promise<void> {
    // A turn of the microtask queue lets writes of the same tick share the commit, and keeps listeners from being
    // called inside a write.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0);
      try {
        await this.#log?.append(batch.map(toRecord), () => this.#snapshot(batch));
      } catch (error) {
        this.#fail(error, [...batch, ...this.#queue.splice(0)]);
        break;
      }
      for (const staged of batch) this.#commit(staged);
    }
    this.#flushing = undefined;
  }

  #commit({ kind, key, event, settle }: Staged): void {
    const shelf = this.#shelf(kind);
    shelf.commit(key, event);
    this.#committedRevision = event.revision;
    if (shelf.history.length > 2 * this.#historyLength) {
      const dropped = shelf.history.length - this.#historyLength;
      shelf.forgotten = shelf.history[dropped - 1]?.revision ?? shelf.forgotten;
      shelf.history = shelf.history.slice(dropped);
    }
    for (const listener of [...shelf.listeners]) {
      try {
        listener(event);
      } catch (error) {
        // Its fault ends its own watch, not the commit nor the other watches.
        shelf.listeners.delete(listener);
        process.emitWarning(`a watch of ${kind} was ended: ${messageOf(error)}`);
      }
    }
    settle();
  }

  /** What is on disk and what is in memory may differ now; only a restart knows, so nothing more is written. */
  #fail(cause: unknown, lost: readonly Staged[]): void {
    const message = `the state could not be written (${messageOf(cause)}); writes are refused until a restart`;
    this.#broken = new PodwireError('APISERVER_STATE_WRITE', message, { cause });
    for (const shelf of this.#shelves.values()) shelf.staged.clear();
    for (const { settle } of lost) settle(internalError(message));
  }

  /** Everything as of the batch just logged. */
  #snapshot(batch: readonly Staged[]): Iterable<StateRecord> {
    const all = new Map<string, StateRecord>();
    const revision = batch.at(-1)?.event.revision ?? this.#committedRevision;
    for (const [kind, shelf] of this.#shelves) {
      for (const [key, object] of shelf.objects)
        all.set(`${kind} ${key}`, { kind, key, revision: revisionOf(object), object });
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

function toRecord({ kind, key, event }: Staged): Buffer {
  const { type, revision, object } = event;
  return encodeRecord(type === 'DELETED' ? { kind, key, revision } : { kind, key, revision, object });
}

function revisionOf(object: ApiObject): number {
  return Number(object.metadata.resourceVersion);
}

/** Index of the first event newer than the revision. */
function firstAfter(history: readonly StoreEvent[], revision: number): number {
  let [low, high] = [0, history.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((history[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
