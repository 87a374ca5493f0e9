import type { KubeClient, ListOptions } from '../client.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { KindName, ObjectOf } from '../kinds.ts';
import type { Waits } from './backoff.ts';
import { ListWatch } from './list-watch.ts';
import { ObjectStore, type StoreEvent } from './object-store.ts';
import { slimObject } from './slim-object.ts';

/** A local, always consistent copy of all objects of a kind, kept up to date by list and watch. Objects are frozen by convention. */
export interface Informer<K extends KindName> {
  readonly kind: K;
  /** Resolves after the first complete list; never rejects. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** Why it is not up to date, while that lasts: it goes on trying. */
  readonly failure?: unknown;
  list(): readonly ObjectOf<K>[];
  get(name: string, namespace?: string): ObjectOf<K> | undefined;
  /** Called for every change; existing objects are replayed as 'added' at once. Returns the unsubscribe function. */
  subscribe(listener: (event: StoreEvent<ObjectOf<K>>) => void): () => void;
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
}

const DEFAULTS = {
  transform: slimObject,
  clock: systemClock,
  backoff: [50, 10_000],
  pageSize: 500,
  patience: 20_000,
} as const;

/** Informers on one client; failures of any kind are retried until stop(). */
export function createInformers(client: KubeClient, options: InformersOptions = {}): Informers {
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
      const made = createInformer(client, { kind, selection, signal: stopped.signal, ...DEFAULTS, ...options });
      informers.set(key, made as unknown as Informer<KindName>);
      return made;
    },
    stop: () => stopped.abort(),
  };
}

interface InformerOptions<K extends KindName> extends Required<InformersOptions> {
  readonly kind: K;
  readonly selection: ListOptions;
  readonly signal: AbortSignal;
}

function createInformer<K extends KindName>(client: KubeClient, options: InformerOptions<K>): Informer<K> {
  const store = new ObjectStore<ObjectOf<K>>();
  const { promise: synced, resolve } = Promise.withResolvers<void>();
  let hasSynced = false;
  let failure: unknown;
  const informer: Informer<K> = {
    kind: options.kind,
    synced,
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
  const listWatch = new ListWatch(client, {
    ...options,
    store,
    synced: () => {
      hasSynced = true;
      resolve();
    },
    failed: (error) => {
      failure = error;
    },
  });
  void listWatch.run();
  return informer;
}
