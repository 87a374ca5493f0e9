import { type Informers, KINDS, type KindName } from '@podwire/kube';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { type Meta, nameOf } from './context.ts';

/** Kinds whose objects are collected: all but Events, which live an hour. Owners may be of any kind. */
export const COLLECTED: readonly KindName[] = KINDS.filter(
  ({ kind, isReadOnly }) => kind !== 'Event' && !isReadOnly,
).map(({ kind }) => kind);

export interface Owned {
  readonly kind: KindName;
  readonly object: Meta;
}

/** Called after the graph has changed. */
export type OwnershipListener = (owned: Owned, change: 'put' | 'removed') => void;

/** Who owns whom, by uid, kept up to date. */
export class Ownership {
  readonly #byUid = new Map<string, Owned>();
  readonly #dependents = new Map<string, Map<string, Owned>>();
  readonly #ends: (() => void)[];

  constructor(informers: Informers, listener: OwnershipListener) {
    this.#ends = COLLECTED.map((kind) =>
      informers.of(kind).subscribe((event) => {
        const owned: Owned = { kind, object: event.object };
        const known =
          event.type === 'modified' && JSON.stringify(lifeOf(event.previous)) === JSON.stringify(lifeOf(owned.object));
        if (event.type === 'modified') this.#remove(event.previous);
        if (event.type === 'deleted') this.#remove(event.object);
        else this.#put(owned);
        if (!known) listener(owned, event.type === 'deleted' ? 'removed' : 'put');
      }),
    );
  }

  /** Undefined: not seen, or not yet. */
  get(uid: string): Owned | undefined {
    return this.#byUid.get(uid);
  }

  dependentsOf(owner: Meta): Owned[] {
    return [...(this.#dependents.get(uidOf(owner))?.values() ?? [])];
  }

  stop(): void {
    for (const end of this.#ends) end();
  }

  #put(owned: Owned): void {
    const { object } = owned;
    this.#byUid.set(uidOf(object), owned);
    for (const { uid } of ownersOf(object)) {
      const group = this.#dependents.get(uid) ?? new Map<string, Owned>();
      this.#dependents.set(uid, group.set(uidOf(object), owned));
    }
  }

  #remove(object: Meta): void {
    this.#byUid.delete(uidOf(object));
    for (const { uid } of ownersOf(object)) {
      const group = this.#dependents.get(uid);
      group?.delete(uidOf(object));
      if (group?.size === 0) this.#dependents.delete(uid);
    }
  }
}

/** What decides about the end of an object; the rest may change as it likes. */
const lifeOf = ({ metadata }: Meta) => [
  metadata?.deletionTimestamp,
  metadata?.ownerReferences,
  metadata?.finalizers,
  metadata?.uid,
];

const uidOf = ({ metadata }: Meta): string => metadata?.uid ?? '';

export const ownersOf = ({ metadata }: Meta): readonly OwnerReference[] => metadata?.ownerReferences ?? [];

/** `Kind namespace/name`. */
export const ownedKey = ({ kind, object }: Owned): string =>
  `${kind} ${object.metadata?.namespace ?? ''}/${nameOf(object)}`;
