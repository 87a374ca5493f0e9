import type { ObjectOf } from '@podwire/kube';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { nameOf } from '../context.ts';
import { isWanted } from './stateful-plan.ts';

type StatefulSet = ObjectOf<'StatefulSet'>;
type Pod = ObjectOf<'Pod'>;
type Claim = ObjectOf<'PersistentVolumeClaim'>;

interface Retention {
  readonly whenDeleted?: string;
  readonly whenScaled?: string;
}

/**
 * Owners of a claim by the set's persistentVolumeClaimRetentionPolicy, with which the garbage collector removes it: the set
 * (whenDeleted), or the pod that goes because fewer are wanted (whenScaled). Undefined: they are as they should be.
 */
export function claimOwners(set: StatefulSet, pod: Pod, claim: Claim): OwnerReference[] | undefined {
  const { whenDeleted, whenScaled } = retentionOf(set);
  const present = claim.metadata?.ownerReferences ?? [];
  const isOther = ({ kind, name }: OwnerReference): boolean =>
    !(kind === 'StatefulSet' && name === nameOf(set)) && !(kind === 'Pod' && name === nameOf(pod));
  const wanted = present.filter(isOther);
  if (whenScaled === 'Delete' && !isWanted(set, pod)) wanted.push(reference('v1', 'Pod', pod));
  else if (whenDeleted === 'Delete') wanted.push(reference('apps/v1', 'StatefulSet', set));
  const uids = (list: readonly OwnerReference[]): string => list.map(({ uid }) => uid).join();
  return uids(wanted) === uids(present) ? undefined : wanted;
}

/** Whether it goes with a pod that is not there any more, so that its successor needs another one. */
export function isLeaving(claim: Claim, pod: Pod | undefined): boolean {
  const { deletionTimestamp, ownerReferences = [] } = claim.metadata ?? {};
  return (
    deletionTimestamp !== undefined || ownerReferences.some((o) => o.kind === 'Pod' && o.uid !== pod?.metadata?.uid)
  );
}

function retentionOf({ spec }: StatefulSet): Retention {
  return (
    (spec as { persistentVolumeClaimRetentionPolicy?: Retention } | undefined)?.persistentVolumeClaimRetentionPolicy ??
    {}
  );
}

function reference(apiVersion: string, kind: string, { metadata }: StatefulSet | Pod): OwnerReference {
  return { apiVersion, kind, name: metadata?.name ?? '', uid: metadata?.uid ?? '' };
}
