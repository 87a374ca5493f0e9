import { type Informer, type KindName, ObjectIndex, type ObjectOf, type WorkQueue } from '@podwire/kube';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  keyOf,
  type Meta,
  namespaceOf,
  splitKey,
} from './context.ts';
import { startReconciler } from './reconciler.ts';

export interface OwnerParts<K extends KindName, D extends KindName> {
  /** Of the owners. */
  readonly kind: K;
  /** Of what they make. */
  readonly dependents: D;
  /** Whether they take in what nobody controls. Default false. */
  readonly adopts?: boolean;
  /** Not called for owners that are gone or going; resolves to ms after which to look again, if any. */
  readonly reconcile: (owner: ObjectOf<K>) => Promise<number | undefined>;
}

/** Brings owners to their desired state whenever they or what they control changes. */
export class OwnerQueue<K extends KindName, D extends KindName> implements Controller {
  readonly #parts: OwnerParts<K, D>;
  readonly #owners: Informer<K>;
  readonly #owned: ObjectIndex<D>;
  readonly #queue: WorkQueue;
  readonly #ends: readonly (() => void)[];

  constructor({ informers, logger, clock }: ControllerContext, parts: OwnerParts<K, D>) {
    this.#parts = parts;
    this.#owners = informers.of(parts.kind);
    const dependents = informers.of(parts.dependents);
    this.#owned = controlled(dependents);
    const reconcile = (key: string): Promise<number | undefined> => this.#reconcile(key);
    this.#queue = startReconciler({ name: parts.kind.toLowerCase(), logger, reconcile, clock });
    this.#ends = [
      this.#owners.subscribe(({ type, object }) => type !== 'deleted' && this.#queue.add(keyOf(object))),
      dependents.subscribe(({ object }) => this.wake(object)),
    ];
  }

  /** What it controls, whether on its way out or not. */
  ownedBy(owner: Meta): ObjectOf<D>[] {
    return this.#owned.get(owner.metadata?.uid ?? '');
  }

  /** What nobody in its namespace controls. */
  orphansNear(owner: Meta): ObjectOf<D>[] {
    return this.#owned.get(orphansOf(namespaceOf(owner)));
  }

  /** Looks at all owners, or at those of one namespace. */
  addAll(namespace?: string): void {
    const isMeant = (owner: Meta): boolean => namespace === undefined || namespaceOf(owner) === namespace;
    for (const owner of this.#owners.list()) if (isMeant(owner)) this.#queue.add(keyOf(owner));
  }

  /** Looks at the owner of this object. */
  wake(object: Meta): void {
    const owner = controllerOf(object);
    if (owner?.kind === this.#parts.kind) this.#queue.add(`${namespaceOf(object)}/${owner.name}`);
    else if (!owner && this.#parts.adopts) this.addAll(namespaceOf(object));
  }

  stop(): void {
    for (const end of this.#ends) end();
    this.#queue.shutDown();
  }

  async #reconcile(key: string): Promise<number | undefined> {
    const { name, namespace } = splitKey(key);
    const owner = this.#owners.get(name, namespace);
    const meta: Meta | undefined = owner;
    return owner && !meta?.metadata?.deletionTimestamp ? this.#parts.reconcile(owner) : undefined;
  }
}

/** One index for all that look at the same objects; it ends with its informer. */
const indexes = new WeakMap<object, unknown>();

/** The objects by the uid of whoever controls them. */
export function controlled<D extends KindName>(informer: Informer<D>): ObjectIndex<D> {
  const present = indexes.get(informer) as ObjectIndex<D> | undefined;
  const index = present ?? new ObjectIndex(informer, (object: Meta) => [ownerNameOf(object)]);
  indexes.set(informer, index);
  return index;
}

const ownerNameOf = (object: Meta): string => controllerOf(object)?.uid ?? orphansOf(namespaceOf(object));

/** Under what `controlled` has those that nobody controls. */
export const orphansOf = (namespace: string): string => `/${namespace}`;
