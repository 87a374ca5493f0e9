import type { Informer, KindName, ObjectOf } from '@podwire/kube';
import { keyOf } from './context.ts';

/** The objects of an informer by something they have in common, so that one need not look through all of them. */
export class ObjectIndex<K extends KindName> {
  readonly #groups = new Map<string, Map<string, ObjectOf<K>>>();
  readonly #group: (object: ObjectOf<K>) => string;
  readonly stop: () => void;

  constructor(informer: Informer<K>, group: (object: ObjectOf<K>) => string) {
    this.#group = group;
    this.stop = informer.subscribe((event) => {
      if (event.type === 'modified') this.#remove(event.previous);
      if (event.type === 'deleted') this.#remove(event.object);
      else this.#put(event.object);
    });
  }

  get(name: string): ObjectOf<K>[] {
    return [...(this.#groups.get(name)?.values() ?? [])];
  }

  #put(object: ObjectOf<K>): void {
    const name = this.#group(object);
    const group = this.#groups.get(name) ?? new Map<string, ObjectOf<K>>();
    this.#groups.set(name, group.set(keyOf(object), object));
  }

  #remove(object: ObjectOf<K>): void {
    const name = this.#group(object);
    const group = this.#groups.get(name);
    group?.delete(keyOf(object));
    if (group?.size === 0) this.#groups.delete(name);
  }
}
