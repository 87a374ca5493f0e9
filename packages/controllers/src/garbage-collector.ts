import { type Informer, KINDS, type KindName, type KubeClient } from '@podwire/kube';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { type Controller, type ControllerContext, type Meta, nameOf, objectKey, splitKey } from './context.ts';
import { KeyQueue } from './key-queue.ts';

/** Kinds whose objects are collected. Owners may be of any kind. */
const WATCHED = [
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Pod',
  'Service',
  'EndpointSlice',
] as const satisfies readonly KindName[];
const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

/** Asks the API itself: a cache may lack the kind, or be behind. What cannot be looked up is taken to exist. */
async function exists(client: KubeClient, { apiVersion, kind, name, uid }: OwnerReference, namespace: string) {
  const group = (version: string): string => version.split('/').slice(0, -1).join('/');
  const known = KINDS.find((k) => k.kind === kind && k.group === group(apiVersion));
  if (!known || (known.namespaced && !namespace)) return true;
  const owner = await client.get(known.kind, known.namespaced ? { namespace, name } : { name });
  return owner?.metadata?.uid === uid;
}

/** Deletes what all of whose owners are gone; finishes foreground deletion once the dependents are away. */
export function startGarbageCollector({ client, informers, logger }: ControllerContext): Controller {
  const stores = new Map<KindName, Informer<(typeof WATCHED)[number]>>(
    WATCHED.map((kind) => [kind, informers.of(kind)]),
  );
  const dependents = (uid: string) =>
    [...stores].flatMap(([kind, store]) =>
      store
        .list()
        .filter((o) => o.metadata?.ownerReferences?.some((r) => r.uid === uid))
        .map((object) => ({ kind, object: object as Meta })),
    );

  const reconcile = async (key: string): Promise<undefined> => {
    const [kind = '', place = ''] = key.split(' ');
    const { name, namespace } = splitKey(place);
    const object: Meta | undefined = stores.get(kind as KindName)?.get(name, namespace);
    if (!object) return;
    const { ownerReferences = [], deletionTimestamp, uid } = object.metadata ?? {};
    if (ownerReferences.length > 0 && !deletionTimestamp) {
      const present = await Promise.all(ownerReferences.map((owner) => exists(client, owner, namespace)));
      if (!present.includes(true))
        await client.delete(kind as KindName, objectKey(object), { ...(uid ? { uid } : {}) });
    }
    const finalizers = (object.metadata as { finalizers?: string[] } | undefined)?.finalizers ?? [];
    if (!object.metadata?.deletionTimestamp) return;
    if (finalizers.includes(FOREGROUND)) await finishForeground(kind as KindName, object, finalizers);
    if (finalizers.includes(ORPHAN)) await finishOrphan(kind as KindName, object, finalizers);
  };
  const finishForeground = async (kind: KindName, object: Meta, finalizers: readonly string[]): Promise<void> => {
    const left = dependents(object.metadata?.uid ?? '');
    for (const dependent of left)
      if (!dependent.object.metadata?.deletionTimestamp)
        await client.delete(dependent.kind, objectKey(dependent.object), { propagationPolicy: 'Foreground' });
    if (left.length === 0)
      await client.patch(kind, objectKey(object), {
        metadata: { finalizers: finalizers.filter((f) => f !== FOREGROUND) },
      });
  };
  const finishOrphan = async (kind: KindName, object: Meta, finalizers: readonly string[]): Promise<void> => {
    for (const dependent of dependents(object.metadata?.uid ?? '')) {
      const ownerReferences = dependent.object.metadata?.ownerReferences?.filter((r) => r.uid !== object.metadata?.uid);
      await client.patch(dependent.kind, objectKey(dependent.object), { metadata: { ownerReferences } });
    }
    await client.patch(kind, objectKey(object), { metadata: { finalizers: finalizers.filter((f) => f !== ORPHAN) } });
  };
  const queue = new KeyQueue({ name: 'garbage-collector', logger, reconcile });
  const keyIn = (kind: KindName, object: Meta): string =>
    `${kind} ${object.metadata?.namespace ?? ''}/${nameOf(object)}`;
  const ends = [...stores].map(([kind, store]) =>
    store.subscribe((event) => {
      const object: Meta = event.object;
      if (event.type !== 'deleted') {
        // An owner may be cached later than what it owns: orphans are judged when an owner goes, and once at the start.
        if (object.metadata?.deletionTimestamp) queue.add(keyIn(kind, object));
        return;
      }
      for (const dependent of dependents(object.metadata?.uid ?? ''))
        queue.add(keyIn(dependent.kind, dependent.object));
      for (const { uid } of object.metadata?.ownerReferences ?? []) {
        for (const [ownerKind, owners] of stores)
          for (const owner of owners.list()) if (owner.metadata?.uid === uid) queue.add(keyIn(ownerKind, owner));
      }
    }),
  );
  for (const [kind, store] of stores) for (const object of store.list()) queue.add(keyIn(kind, object));
  return { stop: () => [...ends.map((end) => end()), queue.stop()] };
}
