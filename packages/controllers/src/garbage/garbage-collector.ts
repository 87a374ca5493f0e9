import type { WorkQueue } from '@podwire/kube';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { type Controller, type Meta, nameOf, objectKey, splitKey } from '../context.ts';
import type { CustomContext, CustomKinds } from '../custom-kinds.ts';
import { startReconciler } from '../reconciler.ts';
import { builtInKinds, collectedKind } from './collected-kind.ts';
import { finalizersOf, holdsUp, isWaiting } from './foreground.ts';
import { type Owned, Ownership, ownedKey, ownersOf, uidOf } from './ownership.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';
/** After how many ms an owner is looked up again whose kind's cache has not told of it: nobody says when it goes before that. */
const LOOK_AGAIN = 1000;

interface Owners {
  /** Being deleted in the foreground: they wait for what they own. */
  readonly waiting: readonly OwnerReference[];
  readonly gone: readonly OwnerReference[];
  /** One of them is there, but not in the cache of its kind yet. */
  readonly isUnseen: boolean;
}

/** Deletes what all of whose owners are gone; makes foreground deletion wait for dependents, and orphans them on request. */
export function startGarbageCollector(context: CustomContext): Controller {
  return new GarbageCollector(context);
}

class GarbageCollector implements Controller {
  readonly #graph: Ownership;
  readonly #queue: WorkQueue;
  readonly #custom: CustomKinds;
  readonly #end: () => void;

  constructor(context: CustomContext) {
    const { logger, custom } = context;
    this.#custom = custom;
    this.#queue = startReconciler({ name: 'garbage-collector', logger, reconcile: (key) => this.#reconcile(key) });
    this.#graph = new Ownership((owned, change, previous) => {
      if (change === 'removed') this.#went(owned);
      else this.#came(owned, previous);
    });
    for (const kind of builtInKinds(context)) this.#graph.add(kind);
    this.#end = custom.subscribe((kind, change) => {
      if (change === 'went') this.#graph.remove(kind.id);
      else this.#graph.add(collectedKind(kind));
      // Owners of a kind that nobody knew could not be looked up.
      if (change === 'came') for (const owned of this.#graph.unclaimed()) this.#queue.add(ownedKey(owned));
    });
  }

  stop(): void {
    this.#end();
    this.#graph.stop();
    this.#queue.shutDown();
  }

  #came(owned: Owned, previous: Meta | undefined): void {
    const { object } = owned;
    // An owner that it lost, or does not block any more, may have waited for nothing else.
    if (previous) this.#wake(previous);
    if (ownersOf(object).length > 0 || object.metadata?.deletionTimestamp) this.#queue.add(ownedKey(owned));
  }

  #went({ object }: Owned): void {
    for (const dependent of this.#graph.dependentsOf(object)) this.#queue.add(ownedKey(dependent));
    this.#wake(object);
  }

  #wake(object: Meta): void {
    for (const { uid } of ownersOf(object)) {
      const owner = this.#graph.get(uid);
      if (owner && isWaiting(owner.object)) this.#queue.add(ownedKey(owner));
    }
  }

  async #reconcile(key: string): Promise<number | undefined> {
    const [id = '', place = ''] = key.split(' ');
    const { name, namespace } = splitKey(place);
    const kind = this.#graph.kind(id);
    const object = kind?.cache.get(name, namespace);
    if (!kind || !object) return undefined;
    const owned: Owned = { kind, object };
    if (!object.metadata?.deletionTimestamp) return this.#collect(owned);
    if (finalizersOf(object).includes(ORPHAN)) await this.#finishOrphan(owned);
    else if (isWaiting(object)) await this.#finishForeground(owned);
    return undefined;
  }

  /** Resolves to ms after which to look again, if any. */
  async #collect(owned: Owned): Promise<number | undefined> {
    const { object } = owned;
    const references = ownersOf(object);
    if (references.length === 0) return undefined;
    const { waiting, gone, isUnseen } = await this.#ownersIn(references, object.metadata?.namespace ?? '');
    const leaving = [...waiting, ...gone];
    if (leaving.length === references.length) {
      await this.#delete(owned, waiting.length > 0);
      return undefined;
    }
    if (leaving.length > 0) await this.#withoutOwners(owned, leaving);
    return isUnseen ? LOOK_AGAIN : undefined;
  }

  async #delete({ kind, object }: Owned, ownersWait: boolean): Promise<void> {
    const inForeground = ownersWait && this.#graph.dependentsOf(object).length > 0;
    await kind.client.delete(objectKey(object), {
      uid: uidOf(object),
      ...(inForeground ? { propagationPolicy: 'Foreground' } : {}),
    });
  }

  async #ownersIn(references: readonly OwnerReference[], namespace: string): Promise<Owners> {
    const waiting: OwnerReference[] = [];
    const gone: OwnerReference[] = [];
    let isUnseen = false;
    for (const reference of references) {
      const owner = this.#graph.get(reference.uid);
      if (!owner || !isNamed(owner, reference, namespace)) {
        const found = await this.#lookUp(reference, namespace);
        if (found === 'gone') gone.push(reference);
        else if (found === 'there') isUnseen = true;
      } else if (isWaiting(owner.object)) waiting.push(reference);
    }
    return { waiting, gone, isUnseen };
  }

  /** Asks the API itself: a cache may lack the kind, or be behind. Unknown: it cannot be looked up, so it may exist. */
  async #lookUp(reference: OwnerReference, namespace: string): Promise<'there' | 'gone' | 'unknown'> {
    const kind = this.#graph.kindOf(reference);
    const { name, uid } = reference;
    if (!kind || (kind.namespaced && !namespace)) return 'unknown';
    const owner = await kind.client.get(kind.namespaced ? { namespace, name } : { name });
    return owner?.metadata?.uid === uid ? 'there' : 'gone';
  }

  async #finishForeground(owned: Owned): Promise<void> {
    // Dependents that are not known yet must be waited for as well.
    await this.#custom.synced();
    for (const dependent of this.#graph.dependentsOf(owned.object)) this.#queue.add(ownedKey(dependent));
    if (!holdsUp(owned, this.#graph)) await this.#release(owned, FOREGROUND);
  }

  async #finishOrphan(owned: Owned): Promise<void> {
    await this.#custom.synced();
    for (const dependent of this.#graph.dependentsOf(owned.object)) {
      const references = ownersOf(dependent.object).filter(({ uid }) => uid === uidOf(owned.object));
      await this.#withoutOwners(dependent, references);
    }
    await this.#release(owned, ORPHAN);
  }

  async #withoutOwners({ kind, object }: Owned, leaving: readonly OwnerReference[]): Promise<void> {
    const left = ownersOf(object).filter((reference) => !leaving.some(({ uid }) => uid === reference.uid));
    await kind.client.patch(objectKey(object), { metadata: { ...incarnation(object), ownerReferences: orNull(left) } });
  }

  async #release({ kind, object }: Owned, finalizer: string): Promise<void> {
    const left = finalizersOf(object).filter((name) => name !== finalizer);
    await kind.client.patch(objectKey(object), { metadata: { ...incarnation(object), finalizers: orNull(left) } });
  }
}

/** Whether this is the object a reference means, as seen from a namespace. */
function isNamed({ kind, object }: Owned, reference: OwnerReference, namespace: string): boolean {
  const place = object.metadata?.namespace ?? namespace;
  return place === namespace && nameOf(object) === reference.name && kind.kind === reference.kind;
}

/** Lists are replaced as a whole: only as they were read. */
const incarnation = ({ metadata }: Meta) => ({
  uid: metadata?.uid ?? '',
  resourceVersion: metadata?.resourceVersion ?? '',
});

const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length > 0 ? list : null);
