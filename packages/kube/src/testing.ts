import type { Informer, Informers } from './informer/informers.ts';
import type { StoreEvent } from './informer/object-store.ts';
import type { KindName, ObjectOf } from './kinds.ts';

type Named = { metadata?: { namespace?: string; name?: string } };
const nameOf = ({ metadata }: Named): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;

class Store {
  readonly objects = new Map<string, Named>();
  readonly listeners = new Set<(event: StoreEvent<Named>) => void>();

  emit(event: StoreEvent<Named>): void {
    for (const listener of this.listeners) listener(event);
  }
}

/** Informers over objects that a test puts in by hand. */
export class FakeInformers implements Informers {
  readonly #stores = new Map<KindName, Store>();

  of<K extends KindName>(kind: K): Informer<K> {
    const store = this.#store(kind);
    return {
      kind,
      synced: Promise.resolve(),
      settled: Promise.resolve(),
      hasSynced: true,
      list: () => [...store.objects.values()] as ObjectOf<K>[],
      get: (name, namespace) => store.objects.get(`${namespace ?? ''}/${name}`) as ObjectOf<K> | undefined,
      subscribe(listener) {
        const typed = listener as (event: StoreEvent<Named>) => void;
        for (const object of store.objects.values()) typed({ type: 'added', object });
        store.listeners.add(typed);
        return () => store.listeners.delete(typed);
      },
    };
  }

  stop(): void {
    this.#stores.clear();
  }

  put<K extends KindName>(kind: K, object: ObjectOf<K>): void {
    const store = this.#store(kind);
    const previous = store.objects.get(nameOf(object));
    store.objects.set(nameOf(object), object);
    store.emit(previous ? { type: 'modified', object, previous } : { type: 'added', object });
  }

  remove<K extends KindName>(kind: K, object: ObjectOf<K>): void {
    const store = this.#store(kind);
    if (store.objects.delete(nameOf(object))) store.emit({ type: 'deleted', object, previous: object });
  }

  #store(kind: KindName): Store {
    const store = this.#stores.get(kind) ?? new Store();
    this.#stores.set(kind, store);
    return store;
  }
}
