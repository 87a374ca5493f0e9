import type { ApiObject } from '../seam.ts';
import { EventHistory, type IndexedBy, type StoreEvent } from './event-history.ts';
import { EventListeners } from './event-listeners.ts';
import { FieldIndex } from './field-index.ts';
import { inNamespace, keyOf, SortedObjects, withChanges } from './sorted-objects.ts';

/** All objects of one kind with the recent past. */
export class Shelf {
  readonly objects = new SortedObjects();
  /** Written but not yet durable; undefined: a removal. */
  readonly staged = new Map<string, { readonly revision: number; readonly object: ApiObject | undefined }>();
  readonly listeners = new EventListeners();
  readonly history: EventHistory;

  readonly #index: FieldIndex | undefined;

  constructor(kept: number, indexedBy?: IndexedBy) {
    this.history = new EventHistory({ kept }, indexedBy);
    this.#index = indexedBy && new FieldIndex(indexedBy);
  }

  /** In key order, as etcd lists. */
  sorted(): readonly ApiObject[] {
    return this.objects.list();
  }

  /** Those with a value of the indexed field, in key order; all when none is indexed. */
  sortedOf(value: string): readonly ApiObject[] {
    return this.#index?.list(value) ?? this.sorted();
  }

  /** As it was found at the start; undefined when it was removed. */
  restore(key: string, object: ApiObject | undefined): void {
    this.#index?.replace(key, this.objects.get(key), object);
    this.objects.set(key, object);
  }

  commit(key: string, event: StoreEvent): void {
    this.restore(key, event.type === 'DELETED' ? undefined : event.object);
    if (this.staged.get(key)?.revision === event.revision) this.staged.delete(key);
    this.history.push(event);
  }

  /** In no order, with what is staged. */
  latest(): readonly ApiObject[] {
    if (this.staged.size === 0) return this.sorted();
    const newest = new Map(this.sorted().map((object) => [keyOf(object), object]));
    for (const [key, { object }] of this.staged) {
      if (object) newest.set(key, object);
      else newest.delete(key);
    }
    return [...newest.values()];
  }

  /** Of a namespace in key order, with what is staged. */
  latestIn(namespace: string): readonly ApiObject[] {
    const durable = inNamespace(this.sorted(), namespace);
    const changes = [...this.staged].filter(([key]) => key.startsWith(`${namespace}/`));
    return withChanges(durable, new Map(changes.map(([key, { object }]) => [key, object])));
  }

  /** As sorted, at a revision of the history. */
  sortedAt(revision: number): readonly ApiObject[] {
    const undone = new Map<string, ApiObject | undefined>();
    for (const { object, previous } of this.history.after(revision).toReversed()) undone.set(keyOf(object), previous);
    return undone.size === 0 ? this.sorted() : withChanges(this.sorted(), undone);
  }
}
