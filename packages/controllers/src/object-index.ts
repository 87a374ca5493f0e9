import type { Informer, KindName, ObjectOf } from '@podwire/kube';
import { keyOf } from './context.ts';

/** The objects of an informer by what they have in common, one thing or several, so that one need not look through all. */
export class ObjectIndex<K extends KindName> {
  readonly #groups = new Map<string, Map<string, ObjectOf<K>>>();
  readonly #names: (object: ObjectOf<K>) => readonly string[];
  readonly stop: () => void;

  constructor(informer: Informer<K>, names: (object: ObjectOf<K>) => readonly string[]) {
    this.#names = names;
    this.stop = informer.subscribe((event) => {
      if (event.type === 'modified') this.#remove(event.previous);
      if (event.type === 'deleted') this.#remove(event.object);
      else this.#put(event.object);
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

  #put(object: ObjectOf<K>): void {
    for (const name of this.#names(object)) {
      const group = this.#groups.get(name) ?? new Map<string, ObjectOf<K>>();
      this.#groups.set(name, group.set(keyOf(object), object));
    }
  }

  #remove(object: ObjectOf<K>): void {
    for (const name of this.#names(object)) {
      const group = this.#groups.get(name);
      group?.delete(keyOf(object));
      if (group?.size === 0) this.#groups.delete(name);
    }
  }
}
