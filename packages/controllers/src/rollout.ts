import { createHash } from 'node:crypto';
import type { ObjectOf } from '@podwire/kube';
import { ownedBy } from './context.ts';

type Deployment = ObjectOf<'Deployment'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;

export const HASH_LABEL = 'pod-template-hash';
export const REVISION = 'deployment.kubernetes.io/revision';
/** The earlier revisions of a template that was rolled back to. */
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** JSON with sorted keys, without nulls and empty objects, which clients in Go add as they like. */
function canonical(value: unknown): string {
  return JSON.stringify(ordered(value) ?? {});
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item) ?? {});
  if (value === null || typeof value !== 'object') return value ?? undefined;
  const entries = Object.entries(value).map(([key, part]) => [key, ordered(part)] as const);
  const kept = entries.filter(([, part]) => part !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/** The set of the deployment's present template, whatever hash it was named by. */
export function freshOf(deployment: Deployment, all: readonly ReplicaSet[]): ReplicaSet | undefined {
  const hash = templateHash(deployment.spec?.template);
  const isSame = ({ spec }: ReplicaSet): boolean => {
    const { [HASH_LABEL]: _, ...labels } = spec?.template?.metadata?.labels ?? {};
    return templateHash({ ...spec?.template, metadata: { ...spec?.template?.metadata, labels } }) === hash;
  };
  return all.find((set) => set.metadata?.labels?.[HASH_LABEL] === hash) ?? all.find(isSame);
}

/** Ten characters, safe in names. Equal templates have equal hashes. */
export function templateHash(template: unknown): string {
  return createHash('sha256').update(canonical(template)).digest('hex').slice(0, 10);
}

export function revisionOf(set: ReplicaSet): number {
  return Number(set.metadata?.annotations?.[REVISION] ?? 0);
}

/** The ReplicaSet of the deployment's present template. */
export function replicaSetOf(deployment: Deployment, revision: string, replicas: number): ReplicaSet {
  const template = deployment.spec?.template;
  const hash = templateHash(template);
  const labels = { ...template?.metadata?.labels, [HASH_LABEL]: hash };
  const { selector } = deployment.spec ?? {};
  return {
    metadata: {
      name: `${deployment.metadata?.name}-${hash}`,
      ...(deployment.metadata?.namespace ? { namespace: deployment.metadata.namespace } : {}),
      labels,
      annotations: replicaSetAnnotations(deployment, revision),
      ownerReferences: [ownedBy(deployment, 'Deployment', 'apps/v1')],
    },
    spec: {
      replicas,
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [HASH_LABEL]: hash } },
      ...(template ? { template: { ...template, metadata: { ...template.metadata, labels } } } : {}),
    },
  };
}

/** Annotations of a Deployment that are its own; the others are its ReplicaSet's as well, kubernetes.io/change-cause for one. */
const OWN_ANNOTATIONS = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);

/** What the ReplicaSet of the present template says about its Deployment; `fresh`: what there is of it. */
export function replicaSetAnnotations(
  deployment: Deployment,
  revision: string,
  fresh?: ReplicaSet,
): Record<string, string> {
  const { spec, metadata } = deployment;
  const replicas = spec?.replicas ?? 1;
  const isRecreate = spec?.strategy?.type === 'Recreate';
  const surge = isRecreate ? 0 : resolveCount(spec?.strategy?.rollingUpdate?.maxSurge, replicas, 'up');
  const shared = Object.entries(metadata?.annotations ?? {}).filter(([name]) => !OWN_ANNOTATIONS.has(name));
  const { [REVISION]: before, [REVISION_HISTORY]: history } = fresh?.metadata?.annotations ?? {};
  const past = before && before !== revision ? [history, before].filter(Boolean).join(',') : history;
  return {
    ...Object.fromEntries(shared),
    [REVISION]: revision,
    ...(past ? { [REVISION_HISTORY]: past } : {}),
    [DESIRED_REPLICAS]: String(replicas),
    [MAX_REPLICAS]: String(replicas + surge),
  };
}

/** A whole number or a percentage of the replicas. */
export function resolveCount(value: number | string | undefined, replicas: number, round: 'up' | 'down'): number {
  if (typeof value !== 'string') return value ?? resolveCount('25%', replicas, round);
  const exact = (Number(value.replace('%', '')) * replicas) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

export interface RolloutSizes {
  /** Replicas of the new ReplicaSet. */
  readonly fresh: number;
  /** By name, only those that change. */
  readonly old: ReadonlyMap<string, number>;
}

const sizeOf = (set: ReplicaSet): number => set.spec?.replicas ?? 0;
const availableOf = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;

/** One step towards all replicas being of the new template (apps/v1 DeploymentStrategy). */
export function planRollout(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): RolloutSizes {
  const replicas = deployment.spec?.replicas ?? 1;
  const strategy = deployment.spec?.strategy;
  const living = old.filter((set) => sizeOf(set) > 0 || (set.status?.replicas ?? 0) > 0);
  if (strategy?.type === 'Recreate') {
    return {
      fresh: living.length === 0 ? replicas : fresh ? sizeOf(fresh) : 0,
      old: new Map(living.filter((s) => sizeOf(s) > 0).map((s) => [s.metadata?.name ?? '', 0])),
    };
  }
  const surge = resolveCount(strategy?.rollingUpdate?.maxSurge, replicas, 'up');
  const unavailable = resolveCount(strategy?.rollingUpdate?.maxUnavailable, replicas, 'down');
  const slack = surge + unavailable === 0 ? 1 : unavailable;
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
