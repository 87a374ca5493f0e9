import type { ObjectOf } from '@podwire/kube';
import { ownedBy } from '../context.ts';
import { resolveCount } from '../count.ts';
import { templateHash } from '../template-hash.ts';

type Deployment = ObjectOf<'Deployment'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;

export const HASH_LABEL = 'pod-template-hash';
export const REVISION = 'deployment.kubernetes.io/revision';
/** The earlier revisions of a template that was rolled back to. */
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** The set of the deployment's present template, whatever hash it was named by. */
export function freshOf(deployment: Deployment, all: readonly ReplicaSet[]): ReplicaSet | undefined {
  const [name, hash] = [hashOf(deployment), templateHash(deployment.spec?.template)];
  const isSame = ({ spec }: ReplicaSet): boolean => {
    const { [HASH_LABEL]: _, ...labels } = spec?.template?.metadata?.labels ?? {};
    return templateHash({ ...spec?.template, metadata: { ...spec?.template?.metadata, labels } }) === hash;
  };
  return all.find((set) => set.metadata?.labels?.[HASH_LABEL] === name) ?? all.find(isSame);
}

/** Of the present template; another one for each time the name it gives was taken. */
function hashOf({ spec, status }: Deployment): string {
  const { collisionCount } = status ?? {};
  return templateHash(collisionCount ? { ...spec?.template, collisionCount } : spec?.template);
}

export function revisionOf(set: ReplicaSet): number {
  return Number(set.metadata?.annotations?.[REVISION] ?? 0);
}

/** The ReplicaSet of the deployment's present template. */
export function replicaSetOf(deployment: Deployment, revision: string, replicas: number): ReplicaSet {
  const template = deployment.spec?.template;
  const hash = hashOf(deployment);
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
  const shared = Object.entries(deployment.metadata?.annotations ?? {}).filter(([name]) => !OWN_ANNOTATIONS.has(name));
  const { [REVISION]: before, [REVISION_HISTORY]: history } = fresh?.metadata?.annotations ?? {};
  const past = before && before !== revision ? [history, before].filter(Boolean).join(',') : history;
  return {
    ...Object.fromEntries(shared),
    [REVISION]: revision,
    ...(past ? { [REVISION_HISTORY]: past } : {}),
    ...sizeAnnotations(deployment),
  };
}

/** For what number of replicas a set was sized. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const replicas = deployment.spec?.replicas ?? 1;
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + surgeOf(deployment)) };
}

/** Pods there may be beyond the replicas. */
export function surgeOf({ spec }: Deployment): number {
  const { type, rollingUpdate } = spec?.strategy ?? {};
  return type === 'Recreate' ? 0 : resolveCount(rollingUpdate?.maxSurge, spec?.replicas ?? 1, 'up');
}

/** Pods that may be missing. */
export function slackOf({ spec }: Deployment): number {
  const { type, rollingUpdate } = spec?.strategy ?? {};
  if (type === 'Recreate') return 0;
  const replicas = spec?.replicas ?? 1;
  const unavailable = resolveCount(rollingUpdate?.maxUnavailable, replicas, 'down');
  return unavailable + surgeOf({ spec } as Deployment) === 0 ? 1 : unavailable;
}
