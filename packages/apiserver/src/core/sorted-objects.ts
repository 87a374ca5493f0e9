import type { ApiObject } from '../seam.ts';

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function keyOf({ metadata }: ApiObject): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : (metadata.name ?? '');
}

/** Changes beyond this are put in order before anybody asks, so that they do not pile up. */
const MAX_PENDING = 4096;

/** Objects in the order of their keys. Lists it has given out do not change. */
export class SortedObjects {
  #list: readonly ApiObject[] = [];
  #pending = new Map<string, ApiObject | undefined>();

  list(): readonly ApiObject[] {
    if (this.#pending.size > 0) {
      this.#list = withChanges(this.#list, this.#pending);
      this.#pending = new Map();
    }
    return this.#list;
  }

  /** Undefined removes the key. */
  set(key: string, object: ApiObject | undefined): void {
    this.#pending.set(key, object);
    if (this.#pending.size > MAX_PENDING) this.list();
  }
}

/** A sorted list with objects put in, replaced and (undefined) taken out by their keys. */
export function withChanges(
  list: readonly ApiObject[],
  changes: ReadonlyMap<string, ApiObject | undefined>,
): readonly ApiObject[] {
  const result: ApiObject[] = [];
  let from = 0;
  for (const [key, object] of [...changes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const at = firstFrom(list, key, from);
    append(result, list, { from, to: at });
    const next = list[at];
    from = next && keyOf(next) === key ? at + 1 : at;
    if (object) result.push(object);
  }
  append(result, list, { from, to: list.length });
  return result;
}

function append(result: ApiObject[], list: readonly ApiObject[], { from, to }: { from: number; to: number }): void {
  for (let i = from; i < to; i++) result.push(list[i] as ApiObject);
}

/** Index of the first object whose key is not before the given one; the list's length when there is none. */
export function firstFrom(list: readonly ApiObject[], key: string, from = 0): number {
  let [low, high] = [from, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keyOf(list[middle] as ApiObject) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The part of a sorted list that is in the namespace. */
export function inNamespace(list: readonly ApiObject[], namespace: string): readonly ApiObject[] {
  // Keys are `namespace/name`, and 0 is what comes after the slash.
  return list.slice(firstFrom(list, `${namespace}/`), firstFrom(list, `${namespace}0`));
}
