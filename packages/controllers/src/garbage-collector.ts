import { KINDS, type KindName } from '@podwire/kube';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { type Controller, type ControllerContext, type Meta, objectKey, splitKey } from './context.ts';
import { KeyQueue } from './key-queue.ts';
import { type Owned, Ownership, ownedKey, ownersOf } from './ownership.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

const finalizersOf = ({ metadata }: Meta): readonly string[] => metadata?.finalizers ?? [];
const isWaiting = (object: Meta): boolean =>
  object.metadata?.deletionTimestamp !== undefined && finalizersOf(object).includes(FOREGROUND);

interface Owners {
  /** Being deleted in the foreground: they wait for what they own. */
  readonly waiting: readonly OwnerReference[];
  readonly gone: readonly OwnerReference[];
}

/** Deletes what all of whose owners are gone; makes foreground deletion wait for dependents, and orphans them on request. */
export function startGarbageCollector({ client, informers, logger }: ControllerContext): Controller {
  /** Asks the API itself: a cache may lack the kind, or be behind. What cannot be looked up is taken to exist. */
  const exists = async ({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): Promise<boolean> => {
    const group = (version: string): string => version.split('/').slice(0, -1).join('/');
    const known = KINDS.find((k) => k.kind === kind && k.group === group(apiVersion));
    if (!known || (known.namespaced && !namespace)) return true;
    const owner = await client.get(known.kind, known.namespaced ? { namespace, name } : { name });
    return owner?.metadata?.uid === uid;
  };
  const ownersIn = async (references: readonly OwnerReference[], namespace: string): Promise<Owners> => {
    const waiting: OwnerReference[] = [];
    const gone: OwnerReference[] = [];
    for (const reference of references) {
      const owner = graph.get(reference.uid)?.object;
      const isNear = owner && (owner.metadata?.namespace ?? namespace) === namespace;
      if (isNear ? isWaiting(owner) : false) waiting.push(reference);
      else if (!isNear && !(await exists(reference, namespace))) gone.push(reference);
    }
    return { waiting, gone };
  };
  const withoutOwners = ({ kind, object }: Owned, leaving: readonly OwnerReference[]): Promise<unknown> => {
    const left = ownersOf(object).filter((reference) => !leaving.some(({ uid }) => uid === reference.uid));
    const { uid = '' } = object.metadata ?? {};
    const ownerReferences = left.length > 0 ? left : null;
    return client.patch(kind, objectKey(object), { metadata: { uid, ownerReferences } });
  };
  const collect = async (owned: Owned): Promise<void> => {
    const { kind, object } = owned;
    const references = ownersOf(object);
    if (references.length === 0) return;
    const { waiting, gone } = await ownersIn(references, object.metadata?.namespace ?? '');
    const leaving = [...waiting, ...gone];
    if (leaving.length === 0) return;
    if (leaving.length < references.length) {
      await withoutOwners(owned, leaving);
      return;
    }
    const inForeground = waiting.length > 0 && graph.dependentsOf(object).length > 0;
    const { uid } = object.metadata ?? {};
    await client.delete(kind, objectKey(object), {
      ...(uid ? { uid } : {}),
      ...(inForeground ? { propagationPolicy: 'Foreground' } : {}),
    });
  };
  const release = ({ kind, object }: Owned, finalizer: string): Promise<unknown> =>
    client.patch(kind, objectKey(object), {
      metadata: { finalizers: finalizersOf(object).filter((name) => name !== finalizer) },
    });
  const finishForeground = async (owned: Owned): Promise<void> => {
    const dependents = graph.dependentsOf(owned.object);
    for (const dependent of dependents) queue.add(ownedKey(dependent));
    const blocks = ({ object }: Owned): boolean =>
      ownersOf(object).some(({ uid, blockOwnerDeletion }) => uid === owned.object.metadata?.uid && blockOwnerDeletion);
    if (!dependents.some(blocks)) await release(owned, FOREGROUND);
  };
  const finishOrphan = async (owned: Owned): Promise<void> => {
    const { uid = '' } = owned.object.metadata ?? {};
    for (const dependent of graph.dependentsOf(owned.object)) {
      const references = ownersOf(dependent.object).filter((reference) => reference.uid === uid);
      await withoutOwners(dependent, references);
    }
    await release(owned, ORPHAN);
  };
  const reconcile = async (key: string): Promise<undefined> => {
    const [kind = '', place = ''] = key.split(' ');
    const { name, namespace } = splitKey(place);
    const object: Meta | undefined = informers.of(kind as KindName).get(name, namespace);
    if (!object) return;
    const owned: Owned = { kind: kind as KindName, object };
    if (!object.metadata?.deletionTimestamp) await collect(owned);
    else if (finalizersOf(object).includes(ORPHAN)) await finishOrphan(owned);
    else if (isWaiting(object)) await finishForeground(owned);
  };
  const queue = new KeyQueue({ name: 'garbage-collector', logger, reconcile });
  const graph: Ownership = new Ownership(informers, (owned, change) => {
    const { object } = owned;
    if (change === 'put') {
      if (ownersOf(object).length > 0 || object.metadata?.deletionTimestamp) queue.add(ownedKey(owned));
      return;
    }
    for (const dependent of graph.dependentsOf(object)) queue.add(ownedKey(dependent));
    for (const { uid } of ownersOf(object)) {
      const owner = graph.get(uid);
      if (owner && isWaiting(owner.object)) queue.add(ownedKey(owner));
    }
  });
  return { stop: () => [graph.stop(), queue.stop()] };
}
