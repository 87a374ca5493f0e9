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

/** One informer per kind (and selector), started at first use, shared by everyone in the process. */
export interface Informers {
  of<K extends KindName>(
    kind: K,
    options?: { readonly fieldSelector?: string; readonly labelSelector?: string },
  ): Informer<K>;
  stop(): void;
}
