import { hasCode } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { systemClock } from '../clock.ts';
import { type Controller, type ControllerContext, nameOf, namespaceOf, objectKey, visible } from '../context.ts';
import { keepRevisions } from '../controller-revision.ts';
import { OwnedPods } from '../owned-pods.ts';
import { OwnerQueue } from '../owner-queue.ts';
import { isSelected, statusIs, statusPatch } from '../pod-template.ts';
import { claimOwners, isLeaving } from './claim-owners.ts';
import { isBelowPartition, planStateful } from './stateful-plan.ts';
import { claimsOf, ordinalOf, pastRevision, revisionName, statefulPod } from './stateful-pod.ts';
import { statefulStatus } from './stateful-status.ts';

type StatefulSet = ObjectOf<'StatefulSet'>;

/** Numbers of the status that are told also when they are 0 (apps/v1 StatefulSetStatus). */
const REQUIRED = ['replicas', 'availableReplicas'];

/** Pods in order, and their volume claims, which outlive them unless the set says otherwise. */
export function startStatefulSets(context: ControllerContext): Controller {
  const { client, informers, clock = systemClock } = context;
  const owned = new OwnedPods(context, 'StatefulSet');
  const claims = informers.of('PersistentVolumeClaim');
  const store = { client, revisions: informers.of('ControllerRevision') };

  const create = async (set: StatefulSet, ordinal: number): Promise<void> => {
    for (const claim of claimsOf(set, ordinal)) {
      const present = claims.get(nameOf(claim), namespaceOf(claim));
      // The next try finds it gone.
      if (present && isLeaving(present, undefined)) throw new Error(`claim ${nameOf(claim)} is being deleted`);
      if (present) continue;
      await client.create('PersistentVolumeClaim', claim).catch(unlessThere);
    }
    // Pods below the partition are made again as they were.
    const name = isBelowPartition(set, ordinal) ? (set.status?.currentRevision ?? '') : '';
    const past = store.revisions.get(name, namespaceOf(set));
    await owned.create(set, statefulPod(set, ordinal, past && pastRevision(past)));
  };
  /** Before the pods that they may go with. */
  const keepClaims = async (set: StatefulSet, pods: readonly ObjectOf<'Pod'>[]): Promise<void> => {
    for (const pod of pods) {
      for (const { metadata } of claimsOf(set, ordinalOf(set, pod) ?? -1)) {
        const claim = claims.get(metadata?.name ?? '', namespaceOf(set));
        const owners = claim && claimOwners(set, pod, claim);
        if (!owners) continue;
        const { uid = '', resourceVersion = '' } = claim.metadata ?? {};
        const patch = { metadata: { uid, resourceVersion, ownerReferences: owners.length > 0 ? owners : null } };
        await visible(claims, await client.patch('PersistentVolumeClaim', objectKey(claim), patch));
      }
    }
  };
  const reconcile = async (set: StatefulSet): Promise<number | undefined> => {
    const isMeant = (pod: ObjectOf<'Pod'>): boolean => isSelected(set, pod) && ordinalOf(set, pod) !== undefined;
    await owned.claim(set, { own: queue.ownedBy(set), orphans: queue.orphansNear(set), isMeant });
    const mine = queue.ownedBy(set);
    const revision = revisionName(set);
    const kept = { kind: 'StatefulSet', set, name: revision, label: revision, pods: mine } as const;
    await keepRevisions(store, { ...kept, inUse: set.status?.currentRevision });
    const plan = planStateful(set, mine, clock.now());
    await keepClaims(set, mine);
    await Promise.all(plan.create.map((ordinal) => create(set, ordinal)));
    await Promise.all(plan.remove.map((pod) => owned.delete(set, pod)));
    const status = statefulStatus(set, queue.ownedBy(set), clock.now());
    if (!statusIs(set.status, status)) {
      const patch = { status: statusPatch(status, REQUIRED) };
      await client.patch('StatefulSet', objectKey(set), patch, { subresource: 'status' });
    }
    return plan.next;
  };
  const queue: OwnerQueue<'StatefulSet', 'Pod'> = new OwnerQueue(context, {
    ...{ kind: 'StatefulSet', dependents: 'Pod', adopts: true },
    reconcile,
  });
  return queue;
}

function unlessThere(error: unknown): void {
  if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error;
}
