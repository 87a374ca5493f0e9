import type { ObjectOf } from '@podwire/kube';
import { DESIRED_REPLICAS, MAX_REPLICAS, surgeOf } from './deployed-set.ts';

type Deployment = ObjectOf<'Deployment'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;

export interface ScaledSets {
  readonly deployment: Deployment;
  /** The set of the present template. */
  readonly fresh: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

const sizeOf = ({ spec }: ReplicaSet): number => spec?.replicas ?? 0;
const wantedBy = ({ spec }: Deployment): number => spec?.replicas ?? 1;
const noted = ({ metadata }: ReplicaSet, annotation: string): number | undefined => {
  const text = metadata?.annotations?.[annotation];
  return text === undefined ? undefined : Number(text);
};

/** Whether the number of replicas was changed since its sets were last sized. */
export function isRescaled({ deployment, fresh, old }: ScaledSets): boolean {
  const sets = [...old, ...(fresh ? [fresh] : [])].filter((set) => sizeOf(set) > 0);
  // Of those there is soon one only, which grows by itself.
  if (sets.length > 1 && deployment.spec?.strategy?.type === 'Recreate') return false;
  return sets.some((set) => (noted(set, DESIRED_REPLICAS) ?? wantedBy(deployment)) !== wantedBy(deployment));
}

/**
 * The size of each set when the number of replicas has changed, or the rollout is paused: during a rollout all keep their
 * share of the pods, so that a new template that does not work gets no more of them than it had.
 */
export function planScale({ deployment, fresh, old }: ScaledSets): Map<ReplicaSet, number> {
  const active = [...old, ...(fresh ? [fresh] : [])].filter((set) => sizeOf(set) > 0);
  const single = active.length === 0 ? fresh : active.length === 1 ? active[0] : undefined;
  if (single) return new Map([[single, wantedBy(deployment)]]);
  if (fresh && isSaturated(deployment, fresh))
    return new Map(old.filter((set) => sizeOf(set) > 0).map((set) => [set, 0]));
  return deployment.spec?.strategy?.type === 'Recreate' ? new Map() : inProportion(deployment, active);
}

function isSaturated(deployment: Deployment, fresh: ReplicaSet): boolean {
  const wanted = wantedBy(deployment);
  const sizes = [sizeOf(fresh), noted(fresh, DESIRED_REPLICAS), fresh.status?.availableReplicas];
  return sizes.every((size) => size === wanted);
}

function inProportion(deployment: Deployment, active: readonly ReplicaSet[]): Map<ReplicaSet, number> {
  const wanted = wantedBy(deployment);
  const total = active.reduce((sum, set) => sum + sizeOf(set), 0);
  const change = (wanted > 0 ? wanted + surgeOf(deployment) : 0) - total;
  const sizes = new Map<ReplicaSet, number>();
  let left = change;
  const ordered = active.toSorted((a, b) => sizeOf(b) - sizeOf(a) || byAge(a, b) * (change > 0 ? -1 : 1));
  for (const set of ordered) {
    const share = change === 0 || left === 0 ? 0 : shareOf(deployment, set);
    const taken = change > 0 ? Math.min(share, left) : Math.max(share, left);
    sizes.set(set, sizeOf(set) + taken);
    left -= taken;
  }
  // What rounding leaves is the largest set's.
  const [largest] = ordered;
  if (largest) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + left));
  return sizes;
}

/** By how much a set has to change to have the same part of all pods as before. */
function shareOf(deployment: Deployment, set: ReplicaSet): number {
  const wanted = wantedBy(deployment);
  if (wanted === 0) return -sizeOf(set);
  const before = noted(set, MAX_REPLICAS) || deployment.status?.replicas || sizeOf(set);
  return Math.round((sizeOf(set) * (wanted + surgeOf(deployment))) / before) - sizeOf(set);
}

function byAge(a: ReplicaSet, b: ReplicaSet): number {
  return String(a.metadata?.creationTimestamp ?? '') < String(b.metadata?.creationTimestamp ?? '') ? -1 : 1;
}
