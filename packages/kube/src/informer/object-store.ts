import { PodwireError } from '@podwire/base';

export type StoreEvent<T> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'modified'; readonly object: T; readonly previous: T }
  /** The object as its deletion was told with, and as it was known before. */
  | { readonly type: 'deleted'; readonly object: T; readonly previous: T };

/** What a store needs to know of an object. */
export interface Stored {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
}

type Objects<T> = Map<string, Map<string, T>>;

/**
 * Objects of one kind and those who listen to their changes. An object is added before it is modified, never goes back to an
 * older revision by a single event, and one that was made anew under its name is first deleted.
 */
export class ObjectStore<T extends Stored> {
  readonly #listeners = new Set<(event: StoreEvent<T>) => void>();
  /** By namespace and name: keys of both in one would cost memory for each object. */
  #objects: Objects<T> = new Map();
  #listed: readonly T[] | undefined;

  list(): readonly T[] {
    this.#listed ??= [...this.#values()];
    return this.#listed;
  }

  get(name: string, namespace = ''): T | undefined {
    return this.#objects.get(namespace)?.get(name);
  }

  subscribe(listener: (event: StoreEvent<T>) => void): () => void {
    this.#listeners.add(listener);
    for (const object of [...this.#values()]) call(listener, { type: 'added', object });
    return () => this.#listeners.delete(listener);
  }

  /** The one that is there already, when it is the same revision of the same object. */
  known(object: T): T {
    const present = this.get(nameOf(object), namespaceOf(object));
    return present && isSame(present, object) ? present : object;
  }

  /** What a watch tells: news older than what is known are left aside. */
  put(object: T): void {
    const previous = this.get(nameOf(object), namespaceOf(object));
    if (previous && previous.metadata?.uid === object.metadata?.uid && isOlder(object, previous)) return;
    this.#set(object);
  }

  remove(object: T): void {
    const present = this.get(nameOf(object), namespaceOf(object));
    if (!present || isOlder(object, present)) return;
    this.#drop(object);
  }

  /** What a complete list tells: it is the truth, whatever was known. */
  replace(objects: Iterable<T>): void {
    const kept = new Set<T>();
    for (const object of objects) {
      this.#set(object);
      const present = this.get(nameOf(object), namespaceOf(object));
      if (present) kept.add(present);
    }
    for (const object of [...this.#values()]) if (!kept.has(object)) this.#drop(object);
  }

  *#values(): Iterable<T> {
    for (const names of this.#objects.values()) yield* names.values();
  }

  #set(object: T): void {
    const [name, namespace] = [nameOf(object), namespaceOf(object)];
    const previous = this.get(name, namespace);
    if (previous && isSame(previous, object)) return;
    if (previous && previous.metadata?.uid !== object.metadata?.uid) this.#drop(previous);
    const successor = this.get(name, namespace);
    const names = this.#objects.get(namespace) ?? new Map<string, T>();
    this.#objects.set(namespace, names.set(name, object));
    this.#listed = undefined;
    this.#tell(successor ? { type: 'modified', object, previous: successor } : { type: 'added', object });
  }

  #drop(object: T): void {
    const namespace = namespaceOf(object);
    const names = this.#objects.get(namespace);
    const previous = names?.get(nameOf(object));
    if (!names || !previous) return;
    names.delete(nameOf(object));
    if (names.size === 0) this.#objects.delete(namespace);
    this.#listed = undefined;
    this.#tell({ type: 'deleted', object, previous });
  }

  #tell(event: StoreEvent<T>): void {
    for (const listener of [...this.#listeners]) call(listener, event);
  }
}

const nameOf = ({ metadata }: Stored): string => metadata?.name ?? '';
const namespaceOf = ({ metadata }: Stored): string => metadata?.namespace ?? '';

function isSame(a: Stored, b: Stored): boolean {
  return a.metadata?.uid === b.metadata?.uid && a.metadata?.resourceVersion === b.metadata?.resourceVersion;
}

/** Whether a is an older revision than b, where both are numbers (KEP-5504). */
function isOlder(a: Stored, b: Stored): boolean {
  return Number(a.metadata?.resourceVersion) < Number(b.metadata?.resourceVersion);
}

/** A listener's fault must neither keep other listeners from the event nor pass unseen. */
function call<E>(listener: (event: E) => void, event: E): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw new PodwireError('KUBE_LISTENER', 'an informer listener threw; listeners must handle their errors', {
        cause: error,
      });
    });
  }
}
