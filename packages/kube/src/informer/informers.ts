import { hasCode } from '@podwire/base';
import type { KubeClient, ListOptions } from '../client.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { ResourceClient } from '../dynamic/dynamic-client.ts';
import type { KindName, ObjectOf } from '../kinds.ts';
import type { ManifestObject } from '../manifest.ts';
import type { Waits } from './backoff.ts';
import { ListWatch } from './list-watch.ts';
import type { ObjectSource } from './object-source.ts';
import { ObjectStore, type Stored, type StoreEvent } from './object-store.ts';
import { slimObject } from './slim-object.ts';

/** A local, always consistent copy of all objects of a kind, kept up to date by list and watch. Objects are frozen by convention. */
export interface Informer<K extends KindName> extends ObjectCache<ObjectOf<K>> {
  readonly kind: K;
}

/** The same of objects of whatever type. */
export interface ObjectCache<T> {
  /** Resolves after the first complete list; never rejects. */
  readonly synced: Promise<void>;
  /** Resolves when `synced` does, or once the server has said that it has no such kind or does not show it. */
  readonly settled: Promise<void>;
  readonly hasSynced: boolean;
  /** Why it is not up to date, while that lasts: it goes on trying. */
  readonly failure?: unknown;
  list(): readonly T[];
  get(name: string, namespace?: string): T | undefined;
  /** Called for every change; existing objects are replayed as 'added' at once. Returns the unsubscribe function. */
  subscribe(listener: (event: StoreEvent<T>) => void): () => void;
}

export interface InformerSelection {
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

/** One informer per kind (and selector), started at first use, shared by everyone in the process. */
export interface Informers {
  of<K extends KindName>(kind: K, options?: InformerSelection): Informer<K>;
  stop(): void;
}

export interface InformersOptions {
  /** What of each object is kept; may change the object it is given. Default: slimObject. */
  readonly transform?: <T>(object: T) => T;
  readonly clock?: Clock;
  /** First and last wait, in ms, before a failed list or watch is tried again; doubled in between, with jitter. */
  readonly backoff?: Waits;
  /** Objects asked for at once: neither server nor client holds the whole list as text. */
  readonly pageSize?: number;
  /** How long a watch that begins with the state may be silent before the state is complete, in ms. */
  readonly patience?: number;
  /** Told of each list or watch that fails, which is tried again; undefined: it works again. */
  readonly onFailure?: (kind: string, error: unknown) => void;
}

const DEFAULTS = {
  transform: slimObject,
  clock: systemClock,
  backoff: [50, 10_000],
  pageSize: 500,
  patience: 20_000,
} as const;

/** What informers need of a client. */
type Reader = Pick<KubeClient, 'list' | 'watch' | 'streamsLists'>;

/** Informers on one client; failures of any kind are retried until stop(). */
export function createInformers(client: Reader, options: InformersOptions = {}): Informers {
  const informers = new Map<string, Informer<KindName>>();
  const stopped = new AbortController();
  return {
    of<K extends KindName>(kind: K, { namespace, fieldSelector, labelSelector }: InformerSelection = {}): Informer<K> {
      const key = JSON.stringify([kind, namespace, fieldSelector, labelSelector]);
      const present = informers.get(key);
      if (present) return present as unknown as Informer<K>;
      const selection = {
        ...(namespace !== undefined && { namespace }),
        ...(fieldSelector !== undefined && { fieldSelector }),
        ...(labelSelector !== undefined && { labelSelector }),
      };
      const source: ObjectSource<ObjectOf<K>> = {
        list: (asked) => client.list(kind, asked),
        watch: (asked, onEvent) => client.watch(kind, asked, onEvent),
        streamsLists: client.streamsLists,
      };
      const how = optionsOf(kind, options, { selection, signal: stopped.signal });
      const made: Informer<K> = Object.assign(cacheOf(source, how), { kind });
      informers.set(key, made as unknown as Informer<KindName>);
      return made;
    },
    stop: () => stopped.abort(),
  };
}

/** All objects of a kind that is known at run time only; failures of any kind are retried until stop(). */
export function createResourceCache(
  client: ResourceClient,
  options: InformersOptions = {},
): ObjectCache<ManifestObject> & { stop(): void } {
  const stopped = new AbortController();
  const how = optionsOf(client.resource.kind, options, { selection: {}, signal: stopped.signal });
  return Object.assign(cacheOf(client, how), { stop: () => stopped.abort() });
}

interface CacheScope {
  readonly selection: ListOptions;
  readonly signal: AbortSignal;
}

interface CacheOptions extends Required<Omit<InformersOptions, 'onFailure'>>, CacheScope {
  readonly onFailure: (error: unknown) => void;
}

function optionsOf(kind: string, { onFailure, ...options }: InformersOptions, scope: CacheScope): CacheOptions {
  return { ...DEFAULTS, ...options, ...scope, onFailure: (error) => onFailure?.(kind, error) };
}

function cacheOf<T extends Stored>(source: ObjectSource<T>, options: CacheOptions): ObjectCache<T> {
  const store = new ObjectStore<T>();
  const { promise: synced, resolve } = Promise.withResolvers<void>();
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  let hasSynced = false;
  let failure: unknown;
  const listWatch = new ListWatch<T>(source, {
    ...options,
    store,
    synced: () => {
      hasSynced = true;
      resolve();
      settle();
    },
    failed: (error) => {
      // Each event says that all is well.
      if (error !== undefined || failure !== undefined) options.onFailure(error);
      failure = error;
      if (hasCode(error, 'KUBE_NOT_FOUND') || hasCode(error, 'KUBE_FORBIDDEN')) settle();
    },
  });
  void listWatch.run();
  return {
    synced,
    settled,
    get hasSynced() {
      return hasSynced;
    },
    get failure() {
      return failure;
    },
    list: () => store.list(),
    get: (name, namespace) => store.get(name, namespace),
    subscribe: (listener) => store.subscribe(listener),
  };
}
