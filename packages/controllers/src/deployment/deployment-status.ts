import type { ObjectOf } from '@podwire/kube';
import { slackOf } from './deployed-set.ts';

type Deployment = ObjectOf<'Deployment'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;
type Status = NonNullable<Deployment['status']>;
type Condition = NonNullable<Status['conditions']>[number];

export interface DeploymentView {
  readonly deployment: Deployment;
  /** The set of the present template. */
  readonly fresh: ReplicaSet | undefined;
  readonly sets: readonly ReplicaSet[];
  /** In ms since the epoch. */
  readonly now: number;
}

/** Longest wait, in ms, before the deadline is looked at again; timers cannot hold every int32 of seconds. */
const LONGEST_LOOK = 3_600_000;
/** By the API's definition no deadline at all. */
const NO_DEADLINE = 2_147_483_647;

/** The status kubectl's `rollout status` and `wait` read. */
export function deploymentStatus(view: DeploymentView): Status {
  const { deployment, fresh, sets } = view;
  const sum = (field: 'replicas' | 'readyReplicas' | 'availableReplicas'): number =>
    sets.reduce((all, set) => all + (set.status?.[field] ?? 0), 0);
  const wanted = deployment.spec?.replicas ?? 1;
  const available = sum('availableReplicas');
  const counts = {
    observedGeneration: deployment.metadata?.generation ?? 0,
    replicas: sum('replicas'),
    updatedReplicas: fresh?.status?.replicas ?? 0,
    readyReplicas: sum('readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, Math.max(wanted, sum('replicas')) - available),
  };
  return { ...counts, conditions: [availability(view, available), progress(view, counts)] };
}

function availability({ deployment, now }: DeploymentView, available: number): Condition {
  const wanted = deployment.spec?.replicas ?? 1;
  const enough = available >= wanted - slackOf(deployment);
  const condition = {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: enough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
  };
  return dated(condition, conditionOf(deployment.status, 'Available'), now);
}

/**
 * Any count that moves the right way is progress and starts the deadline anew; without, the rollout fails at the
 * deadline, until there is progress again (progressDeadlineSeconds of apps/v1 DeploymentSpec).
 */
function progress({ deployment, fresh, now }: DeploymentView, counts: Status): Condition {
  const before = conditionOf(deployment.status, 'Progressing');
  const condition = (status: string, reason: string, message: string): Condition => {
    return { type: 'Progressing', status, reason, message };
  };
  if (deployment.spec?.paused)
    return dated(condition('Unknown', 'DeploymentPaused', 'Deployment is paused'), before, now);
  const set = `ReplicaSet "${fresh?.metadata?.name}"`;
  const known = before?.message?.startsWith(set) ? before : undefined;
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = counts;
  const wanted = deployment.spec?.replicas ?? 1;
  const complete = updatedReplicas >= wanted && availableReplicas >= wanted && replicas === updatedReplicas;
  if (complete)
    return dated(condition('True', 'NewReplicaSetAvailable', `${set} has successfully progressed.`), before, now);
  // A finished rollout stays finished when pods fail or the number of replicas changes.
  if (known?.reason === 'NewReplicaSetAvailable' && replicas === updatedReplicas) return known;
  const moving = condition('True', 'ReplicaSetUpdated', `${set} is progressing.`);
  if (!known || hasProgressed(deployment.status, counts)) return dated(moving, before, now, true);
  const left = timeLeft(deployment, known, now);
  if (left === undefined || left > 0) return dated(moving, before, now);
  return dated(condition('False', 'ProgressDeadlineExceeded', `${set} has timed out progressing.`), before, now);
}

function hasProgressed(before: Status | undefined, now: Status): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: Status): number => replicas - updatedReplicas;
  const more = (field: 'updatedReplicas' | 'readyReplicas' | 'availableReplicas'): boolean =>
    (now[field] ?? 0) > (before?.[field] ?? 0);
  return more('updatedReplicas') || more('readyReplicas') || more('availableReplicas') || old(now) < old(before ?? {});
}

/** In ms; undefined: no deadline. */
function timeLeft({ spec }: Deployment, { lastUpdateTime, reason }: Condition, now: number): number | undefined {
  const seconds = spec?.progressDeadlineSeconds ?? NO_DEADLINE;
  if (reason === 'ProgressDeadlineExceeded') return 0;
  return seconds === NO_DEADLINE ? undefined : Date.parse(String(lastUpdateTime)) + seconds * 1000 - now;
}

/** In how many ms the status may change by the passing of time alone. */
export function nextLook(deployment: Deployment, status: Status, now: number): number | undefined {
  const condition = conditionOf(status, 'Progressing');
  if (condition?.reason !== 'ReplicaSetUpdated') return undefined;
  const left = timeLeft(deployment, condition, now);
  return left === undefined ? undefined : Math.min(Math.max(left, 0), LONGEST_LOOK);
}

function conditionOf(status: Status | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** lastTransitionTime moves only when the status does; `touch` moves lastUpdateTime of an otherwise equal condition. */
function dated(condition: Condition, before: Condition | undefined, ms: number, touch = false): Condition {
  const same =
    before?.status === condition.status && before.reason === condition.reason && before.message === condition.message;
  if (before && same && !touch) return before;
  const now = new Date(ms).toISOString().replace(/\.\d+/, '') as unknown as NonNullable<Condition['lastUpdateTime']>;
  return {
    ...condition,
    lastUpdateTime: now,
    lastTransitionTime: before?.status === condition.status ? (before.lastTransitionTime ?? now) : now,
  };
}

/** What of the status is ours, in the order it is written in. */
export function pickStatus({ status }: Deployment): object {
  const {
    observedGeneration = 0,
    replicas = 0,
    updatedReplicas = 0,
    readyReplicas = 0,
    availableReplicas = 0,
    unavailableReplicas = 0,
    conditions = [],
  } = status ?? {};
  const counts = { replicas, updatedReplicas, readyReplicas, availableReplicas, unavailableReplicas };
  return { observedGeneration, ...counts, conditions };
}
