import { hasCode, PodwireError } from '@podwire/base';
import type { KubeClient, WatchEvent } from './client.ts';
import type { KindName, ObjectOf } from './kinds.ts';

export type StoreEvent<T> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'modified'; readonly object: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly object: T };

/** A local, always consistent copy of all objects of a kind, kept up to date by list and watch. Objects are frozen by convention. */
export interface Informer<K extends KindName> {
  readonly kind: K;
  /** Resolves after the first complete list; never rejects. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  list(): readonly ObjectOf<K>[];
  get(name: string, namespace?: string): ObjectOf<K> | undefined;
  /** Called for every change; existing objects are replayed as 'added' at once. Returns the unsubscribe function. */
  subscribe(listener: (event: StoreEvent<ObjectOf<K>>) => void): () => void;
}

export interface InformerSelection {
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

/** One informer per kind (and selector), started at first use, shared by everyone in the process. */
export interface Informers {
  of<K extends KindName>(kind: K, options?: InformerSelection): Informer<K>;
  stop(): void;
}

/** First and last wait, in ms, before a failed list or watch is tried again; doubled in between, with jitter. */
const BACKOFF = [50, 10_000] as const;
/** A watch that lasted this long, in ms, was a healthy one: the next failure starts with the first wait again. */
const HEALTHY = 5_000;

/** Informers on one client; failures of any kind are retried until stop(). */
export function createInformers(client: KubeClient): Informers {
  const informers = new Map<string, ListWatch<KindName>>();
  const stopped = new AbortController();
  return {
    of<K extends KindName>(kind: K, options: InformerSelection = {}): Informer<K> {
      const key = JSON.stringify([kind, options.fieldSelector, options.labelSelector]);
      const present = informers.get(key);
      if (present) return present as unknown as Informer<K>;
      const made = new ListWatch(client, { kind, options, signal: stopped.signal });
      informers.set(key, made as unknown as ListWatch<KindName>);
      return made;
    },
    stop: () => stopped.abort(),
  };
}

interface Scope<K extends KindName> {
  readonly kind: K;
  readonly options: InformerSelection;
  readonly signal: AbortSignal;
}

class ListWatch<K extends KindName> implements Informer<K> {
  readonly kind: K;
  readonly synced: Promise<void>;
  hasSynced = false;
  readonly #client: KubeClient;
  readonly #scope: Scope<K>;
  readonly #listeners = new Set<(event: StoreEvent<ObjectOf<K>>) => void>();
  readonly #objects = new Map<string, ObjectOf<K>>();
  readonly #setSynced: () => void;
  #listed: readonly ObjectOf<K>[] | undefined;
  /** Undefined: list before watching. */
  #resourceVersion: string | undefined;

  constructor(client: KubeClient, scope: Scope<K>) {
    this.kind = scope.kind;
    this.#client = client;
    this.#scope = scope;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.synced = promise;
    this.#setSynced = resolve;
    void this.#run();
  }

  list(): readonly ObjectOf<K>[] {
    this.#listed ??= [...this.#objects.values()];
    return this.#listed;
  }

  get(name: string, namespace?: string): ObjectOf<K> | undefined {
    return this.#objects.get(namespace ? `${namespace}/${name}` : name);
  }

  subscribe(listener: (event: StoreEvent<ObjectOf<K>>) => void): () => void {
    this.#listeners.add(listener);
    for (const object of this.list()) call(listener, { type: 'added', object });
    return () => this.#listeners.delete(listener);
  }

  async #run(): Promise<void> {
    const { signal } = this.#scope;
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        this.#resourceVersion ??= await this.#relist();
        await this.#watch(this.#resourceVersion);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        const healthy = performance.now() - startedAt > HEALTHY;
        failures = healthy ? 0 : failures + 1;
        // The history the watch would need is gone: the state has to be read again, at once the first time.
        if (hasCode(error, 'KUBE_GONE')) this.#resourceVersion = undefined;
        if (!hasCode(error, 'KUBE_GONE') || failures > 1) await pause(backoff(failures), signal);
        continue;
      }
      // A server may end watches as it likes, but not faster than this.
      await pause(backoff(0), signal);
    }
  }

  async #relist(): Promise<string> {
    const { items, resourceVersion } = await this.#client.list(this.kind, this.#scope.options);
    const found = new Set<string>();
    for (const object of items) {
      found.add(keyOf(object));
      this.#put(object);
    }
    for (const [key, object] of [...this.#objects]) if (!found.has(key)) this.#remove(key, object);
    this.hasSynced = true;
    this.#setSynced();
    return resourceVersion;
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { options, signal } = this.#scope;
    await this.#client.watch(this.kind, { ...options, resourceVersion, signal }, (event) => this.#take(event));
  }

  #take({ type, object }: WatchEvent<ObjectOf<K>>): void {
    if (this.#scope.signal.aborted) return;
    const revision = object.metadata?.resourceVersion;
    if (revision) this.#resourceVersion = revision;
    if (type === 'DELETED') this.#remove(keyOf(object), object);
    else if (type !== 'BOOKMARK') this.#put(object);
  }

  #put(object: ObjectOf<K>): void {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous?.metadata?.resourceVersion === object.metadata?.resourceVersion && previous) return;
    if (previous && previous.metadata?.uid !== object.metadata?.uid) this.#remove(key, previous);
    const successor = this.#objects.get(key);
    this.#objects.set(key, object);
    this.#listed = undefined;
    this.#tell(successor ? { type: 'modified', object, previous: successor } : { type: 'added', object });
  }

  #remove(key: string, object: ObjectOf<K>): void {
    if (!this.#objects.delete(key)) return;
    this.#listed = undefined;
    this.#tell({ type: 'deleted', object });
  }

  #tell(event: StoreEvent<ObjectOf<K>>): void {
    for (const listener of [...this.#listeners]) call(listener, event);
  }
}

/** A listener's fault must neither keep other listeners from the event nor pass unseen. */
function call<E>(listener: (event: E) => void, event: E): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw new PodwireError('KUBE_LISTENER', 'an informer listener threw; listeners must handle their errors', {
        cause: error,
      });
    });
  }
}

function keyOf({ metadata }: { readonly metadata?: { readonly name?: string; readonly namespace?: string } }): string {
  return metadata?.namespace ? `${metadata.namespace}/${metadata.name}` : (metadata?.name ?? '');
}

function backoff(failures: number): number {
  const [first, last] = BACKOFF;
  return Math.min(first * 2 ** failures, last) * (0.5 + Math.random() / 2);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
  });
}
