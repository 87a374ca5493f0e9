import type { KindName, ObjectOf } from '../kinds.ts';
import type { Informer } from './informers.ts';

type Named = { readonly metadata?: { readonly namespace?: string; readonly name?: string } };

/** The objects of an informer by what they have in common, one thing or several, so that one need not look through all. */
export class ObjectIndex<K extends KindName> {
  readonly #groups = new Map<string, Map<string, ObjectOf<K>>>();
  /** Under which names an object stands: the last that is heard of it may tell others. */
  readonly #filed = new Map<string, readonly string[]>();
  readonly #names: (object: ObjectOf<K>) => readonly string[];
  readonly stop: () => void;

  constructor(informer: Informer<K>, names: (object: ObjectOf<K>) => readonly string[]) {
    this.#names = names;
    this.stop = informer.subscribe(({ type, object }) => {
      this.#remove(keyOf(object));
      if (type !== 'deleted') this.#put(keyOf(object), object);
    });
  }

  get(name: string): ObjectOf<K>[] {
    return [...(this.#groups.get(name)?.values() ?? [])];
  }

  /** The shortest of the lists of several names. */
  shortest(names: readonly string[]): ObjectOf<K>[] {
    const sizes = names.map((name) => this.#groups.get(name)?.size ?? 0);
    return this.get(names[sizes.indexOf(Math.min(...sizes))] ?? '');
  }

  #put(key: string, object: ObjectOf<K>): void {
    const names = this.#names(object);
    this.#filed.set(key, names);
    for (const name of names) {
      const group = this.#groups.get(name) ?? new Map<string, ObjectOf<K>>();
      this.#groups.set(name, group.set(key, object));
    }
  }

  #remove(key: string): void {
    for (const name of this.#filed.get(key) ?? []) {
      const group = this.#groups.get(name);
      group?.delete(key);
      if (group?.size === 0) this.#groups.delete(name);
    }
    this.#filed.delete(key);
  }
}

function keyOf({ metadata }: Named): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}
