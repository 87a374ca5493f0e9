import type { ObjectOf } from '@podwire/kube';
import { revisionOf, slackOf, surgeOf } from './deployed-set.ts';

type Deployment = ObjectOf<'Deployment'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;

export interface RolloutSizes {
  /** Replicas of the new ReplicaSet. */
  readonly fresh: number;
  /** By name, only those that change. */
  readonly old: ReadonlyMap<string, number>;
}

const sizeOf = (set: ReplicaSet): number => set.spec?.replicas ?? 0;
const availableOf = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;

export interface OldSets {
  readonly sets: readonly ReplicaSet[];
  /** Whether pods of a set still run, be it that they are ending; by default its status tells. */
  readonly isRunning?: (set: ReplicaSet) => boolean;
}

/** One step towards all replicas being of the new template (apps/v1 DeploymentStrategy). */
export function planRollout(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  { sets: old, isRunning = () => false }: OldSets,
): RolloutSizes {
  const replicas = deployment.spec?.replicas ?? 1;
  const strategy = deployment.spec?.strategy;
  const living = old.filter((set) => sizeOf(set) > 0 || (set.status?.replicas ?? 0) > 0);
  if (strategy?.type === 'Recreate') {
    return {
      fresh: living.length === 0 && !old.some(isRunning) ? replicas : fresh ? sizeOf(fresh) : 0,
      old: new Map(living.filter((s) => sizeOf(s) > 0).map((s) => [s.metadata?.name ?? '', 0])),
    };
  }
  const surge = surgeOf(deployment);
  const slack = slackOf(deployment);
  const oldTotal = living.reduce((sum, set) => sum + sizeOf(set), 0);
  const now = fresh ? sizeOf(fresh) : 0;
  const wanted = Math.min(replicas, Math.max(Math.min(now, replicas), replicas + surge - oldTotal));
  return { fresh: wanted, old: shrink(living, removable({ replicas, slack, fresh, living })) };
}

interface Shrinking {
  readonly replicas: number;
  readonly slack: number;
  readonly fresh: ReplicaSet | undefined;
  readonly living: readonly ReplicaSet[];
}

/** Pods of old sets that may go: those that do not serve, and as many that do as leaves enough available. */
function removable({ replicas, slack, fresh, living }: Shrinking): number {
  const available = (fresh ? availableOf(fresh) : 0) + living.reduce((sum, set) => sum + availableOf(set), 0);
  const broken = living.reduce((sum, set) => sum + Math.max(0, sizeOf(set) - availableOf(set)), 0);
  return broken + Math.max(0, available - (replicas - slack));
}

function shrink(living: readonly ReplicaSet[], count: number): Map<string, number> {
  const sizes = new Map<string, number>();
  let left = count;
  for (const set of living.toSorted((a, b) => availableOf(a) - availableOf(b) || revisionOf(a) - revisionOf(b))) {
    const cut = Math.min(left, sizeOf(set));
    if (cut > 0) sizes.set(set.metadata?.name ?? '', sizeOf(set) - cut);
    left -= cut;
  }
  return sizes;
}
