import type { ApiObject } from '../seam.ts';

/** One committed change. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** For DELETED the last state, with the revision of the deletion. */
  readonly object: ApiObject;
  readonly previous: ApiObject | undefined;
}

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function keyOf({ metadata }: ApiObject): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : (metadata.name ?? '');
}

/** All objects of one kind with the recent past. */
export class Shelf {
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

  /** In no order, with what is staged. */
  latest(): readonly ApiObject[] {
    if (this.staged.size === 0) return [...this.objects.values()];
    const newest = new Map(this.objects);
    for (const [key, { object }] of this.staged) {
      if (object) newest.set(key, object);
      else newest.delete(key);
    }
    return [...newest.values()];
  }

  /** As sorted, at a revision of the history. */
  sortedAt(revision: number): readonly ApiObject[] {
    const undone = this.after(revision);
    if (undone.length === 0) return this.sorted();
    const past = new Map(this.objects);
    for (const { object, previous } of undone.toReversed()) {
      if (previous) past.set(keyOf(object), previous);
      else past.delete(keyOf(object));
    }
    return [...past].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** The events newer than the revision. */
  after(revision: number): readonly StoreEvent[] {
    return this.history.slice(firstAfter(this.history, revision));
  }

  /** Keeps at least that many events; the work is done once for many. */
  forget(kept: number): void {
    if (this.history.length <= 2 * kept) return;
    const dropped = this.history.length - kept;
    this.forgotten = this.history[dropped - 1]?.revision ?? this.forgotten;
    this.history = this.history.slice(dropped);
  }
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
