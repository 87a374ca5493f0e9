import type { Kind } from '@podwire/kube';
import type { DeleteOptions } from 'kubernetes-types/meta/v1.js';
import type { ApiObject } from '../seam.ts';
import { finalizersFor, graceOf, type Metadata, timestamp } from './lifecycle.ts';
import { conflict } from './status.ts';

export type RemoveOptions = Pick<
  DeleteOptions,
  'gracePeriodSeconds' | 'propagationPolicy' | 'preconditions' | 'orphanDependents'
>;

/** Throws 409 when the object is not the one that is meant. */
export function checkPreconditions(kind: Kind, { metadata }: ApiObject, { preconditions }: RemoveOptions): void {
  const { uid, resourceVersion } = preconditions ?? {};
  if (uid && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict(kind, metadata.name ?? '', why);
  }
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
    throw conflict(kind, metadata.name ?? '', why);
  }
}

/** The object as it is when its deletion has been asked for. */
export function markedForRemoval(kind: Kind, current: ApiObject, removal: RemoveOptions): ApiObject {
  const { orphanDependents } = removal;
  const older = orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background';
  const finalizers = finalizersFor(current, removal.propagationPolicy ?? older);
  const metadata: Metadata = { ...current.metadata };
  if (finalizers.length > 0) metadata.finalizers = [...finalizers];
  else delete metadata.finalizers;
  const grace = graceOf(kind, current, removal.gracePeriodSeconds);
  const running = current.metadata.deletionGracePeriodSeconds;
  // A second deletion may only make the wait shorter.
  if (!current.metadata.deletionTimestamp || grace < (running ?? 0)) {
    const from = current.metadata.deletionTimestamp
      ? Date.parse(current.metadata.deletionTimestamp) - (running ?? 0) * 1000
      : Date.now();
    metadata.deletionTimestamp = timestamp(new Date(from + grace * 1000));
    metadata.deletionGracePeriodSeconds = grace;
  }
  const next: ApiObject = { ...current, metadata };
  if (kind.id !== 'Namespace') return next;
  return { ...next, status: { ...(current.status as object), phase: 'Terminating' } };
}
