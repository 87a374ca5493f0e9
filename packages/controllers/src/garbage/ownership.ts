import type { StoreEvent } from '@podwire/kube';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { type Meta, nameOf } from '../context.ts';
import type { CollectedKind } from './collected-kind.ts';

export interface Owned {
  readonly kind: CollectedKind;
  readonly object: Meta;
}

/** Called after the graph has changed; `previous`: what the object was before. */
export type OwnershipListener = (owned: Owned, change: 'put' | 'removed', previous?: Meta) => void;

/** Who owns whom, by uid, kept up to date. */
export class Ownership {
  readonly #byUid = new Map<string, Owned>();
  readonly #dependents = new Map<string, Map<string, Owned>>();
  readonly #kinds = new Map<string, { readonly kind: CollectedKind; readonly end: () => void }>();
  readonly #listener: OwnershipListener;

  constructor(listener: OwnershipListener) {
    this.#listener = listener;
  }

  /** From now on its objects are part of the graph. */
  add(kind: CollectedKind): void {
    this.remove(kind.id);
    // An entry first: the objects that are there are told of while subscribing.
    this.#kinds.set(kind.id, { kind, end: () => {} });
    const end = kind.cache.subscribe((event) => this.#take(kind, event));
    this.#kinds.set(kind.id, { kind, end });
  }

  remove(id: string): void {
    const entry = this.#kinds.get(id);
    if (!entry) return;
    this.#kinds.delete(id);
    entry.end();
    for (const object of entry.kind.cache.list()) this.#drop({ kind: entry.kind, object });
  }

  kind(id: string): CollectedKind | undefined {
    return this.#kinds.get(id)?.kind;
  }

  /** The kind an owner is said to be of, in whatever version. */
  kindOf({ apiVersion, kind }: OwnerReference): CollectedKind | undefined {
    const group = apiVersion.split('/').slice(0, -1).join('/');
    for (const { kind: one } of this.#kinds.values()) if (one.kind === kind && one.group === group) return one;
    return undefined;
  }

  /** Undefined: not seen, or not yet. */
  get(uid: string): Owned | undefined {
    return this.#byUid.get(uid);
  }

  dependentsOf(owner: Meta): Owned[] {
    return [...(this.#dependents.get(uidOf(owner))?.values() ?? [])];
  }

  /** Those with an owner that was never seen. */
  unclaimed(): Owned[] {
    const owners = [...this.#dependents].filter(([uid]) => !this.#byUid.has(uid));
    return owners.flatMap(([, dependents]) => [...dependents.values()]);
  }

  stop(): void {
    for (const { end } of this.#kinds.values()) end();
  }

  #take(kind: CollectedKind, event: StoreEvent<Meta>): void {
    const owned: Owned = { kind, object: event.object };
    if (event.type === 'deleted') {
      this.#drop(owned);
      return;
    }
    const isNews = event.type === 'added' || lifeOf(event.previous) !== lifeOf(event.object);
    const previous = event.type === 'modified' ? event.previous : undefined;
    if (previous) this.#forget(previous);
    this.#put(owned);
    if (isNews) this.#listener(owned, 'put', previous);
  }

  #drop(owned: Owned): void {
    this.#forget(owned.object);
    this.#listener(owned, 'removed');
  }

  #put(owned: Owned): void {
    const { object } = owned;
    this.#byUid.set(uidOf(object), owned);
    for (const { uid } of ownersOf(object)) {
      const group = this.#dependents.get(uid) ?? new Map<string, Owned>();
      this.#dependents.set(uid, group.set(uidOf(object), owned));
    }
  }

  #forget(object: Meta): void {
    this.#byUid.delete(uidOf(object));
    for (const { uid } of ownersOf(object)) {
      const group = this.#dependents.get(uid);
      group?.delete(uidOf(object));
      if (group?.size === 0) this.#dependents.delete(uid);
    }
  }
}

/** What decides about the end of an object; the rest may change as it likes. */
const lifeOf = ({ metadata }: Meta): string =>
  JSON.stringify([metadata?.deletionTimestamp, metadata?.ownerReferences, metadata?.finalizers, metadata?.uid]);

export const uidOf = ({ metadata }: Meta): string => metadata?.uid ?? '';

/** Of custom resources, too, which nobody has looked at. */
export function ownersOf({ metadata }: Meta): readonly OwnerReference[] {
  const owners = metadata?.ownerReferences;
  return Array.isArray(owners) ? owners : [];
}

/** `Kind namespace/name`. */
export const ownedKey = ({ kind, object }: Owned): string =>
  `${kind.id} ${object.metadata?.namespace ?? ''}/${nameOf(object)}`;
