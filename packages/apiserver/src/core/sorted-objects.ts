import type { ApiObject } from '../seam.ts';

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function keyOf({ metadata }: ApiObject): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : (metadata.name ?? '');
}

/** What is stored under one key; undefined: it was removed. */
interface Cell {
  readonly key: string;
  object: ApiObject | undefined;
}

/** Removed objects that are kept in their place before the others close ranks, at least. */
const SPARE = 1024;

/**
 * Objects by their keys, and in the order of these. A new version of an object costs no more the more objects there are: it
 * takes its place, and lists are made when somebody asks. Lists that were given out do not change.
 */
export class SortedObjects {
  readonly #cells = new Map<string, Cell>();
  /** In order, but for those that were added since. */
  #order: Cell[] = [];
  #added: Cell[] = [];
  #list: readonly ApiObject[] | undefined;

  get size(): number {
    return this.#cells.size;
  }

  get(key: string): ApiObject | undefined {
    return this.#cells.get(key)?.object;
  }

  keys(): Iterable<string> {
    return this.#cells.keys();
  }

  /** Undefined removes the key. */
  set(key: string, object: ApiObject | undefined): void {
    this.#list = undefined;
    const present = this.#cells.get(key);
    if (present) {
      present.object = object;
      if (!object) this.#remove(key);
    } else if (object) {
      const cell = { key, object };
      this.#cells.set(key, cell);
      this.#added.push(cell);
    }
  }

  list(): readonly ApiObject[] {
    if (this.#added.length > 0 || this.#order.length > this.#cells.size) this.#sort();
    this.#list ??= this.#order.map(({ object }) => object as ApiObject);
    return this.#list;
  }

  #remove(key: string): void {
    this.#cells.delete(key);
    // What comes and goes must not pile up when nobody asks for lists.
    if (this.#order.length + this.#added.length > 2 * this.#cells.size + SPARE) this.#sort();
  }

  /** What was removed goes, what was added is put in its place. */
  #sort(): void {
    const added = this.#added.filter(({ object }) => object).sort((a, b) => (a.key < b.key ? -1 : 1));
    const order: Cell[] = [];
    let next = 0;
    for (const cell of this.#order) {
      if (!cell.object) continue;
      for (let one = added[next]; one && one.key < cell.key; one = added[++next]) order.push(one);
      order.push(cell);
    }
    for (const cell of added.slice(next)) order.push(cell);
    this.#order = order;
    this.#added = [];
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
