import type { Informer, Informers, KindName, ObjectOf, StoreEvent } from '@podwire/kube';

type Named = { metadata?: { namespace?: string; name?: string } };
const keyOf = ({ metadata }: Named): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;

interface Store {
  readonly objects: Map<string, Named>;
  readonly listeners: Set<(event: StoreEvent<Named>) => void>;
}

/** Informers over objects that a test puts in by hand. */
export class FakeInformers implements Informers {
  readonly #stores = new Map<KindName, Store>();

  of<K extends KindName>(kind: K): Informer<K> {
    const { objects, listeners } = this.#store(kind);
    return {
      kind,
      synced: Promise.resolve(),
      settled: Promise.resolve(),
      hasSynced: true,
      list: () => [...objects.values()] as ObjectOf<K>[],
      get: (name, namespace = '') => objects.get(`${namespace}/${name}`) as ObjectOf<K> | undefined,
      subscribe(listener) {
        const typed = listener as (event: StoreEvent<Named>) => void;
        listeners.add(typed);
        for (const object of objects.values()) typed({ type: 'added', object });
        return () => listeners.delete(typed);
      },
    };
  }

  put<K extends KindName>(kind: K, ...list: readonly ObjectOf<K>[]): void {
    const { objects, listeners } = this.#store(kind);
    for (const object of list as readonly Named[]) {
      const previous = objects.get(keyOf(object));
      objects.set(keyOf(object), object);
      for (const listener of listeners)
        listener(previous ? { type: 'modified', object, previous } : { type: 'added', object });
    }
  }

  remove<K extends KindName>(kind: K, object: ObjectOf<K>): void {
    const { objects, listeners } = this.#store(kind);
    if (!objects.delete(keyOf(object))) return;
    for (const listener of listeners) listener({ type: 'deleted', object, previous: object });
  }

  stop(): void {
    this.#stores.clear();
  }

  #store(kind: KindName): Store {
    const store = this.#stores.get(kind) ?? { objects: new Map(), listeners: new Set() };
    this.#stores.set(kind, store);
    return store;
  }
}
