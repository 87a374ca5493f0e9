import type { ObjectOf } from '@podwire/kube';
import { timeOf, timestamp } from '../clock.ts';
import { isReady } from '../context.ts';
import {
  COMPLETED,
  conditionOf,
  decidedEnd,
  finishedCondition,
  type JobCondition,
  type JobEnd,
  type JobStatus,
  TOO_LATE,
  TOO_MANY_FAILURES,
  withCondition,
} from './job-conditions.ts';
import { countPods, type JobCount } from './job-count.ts';
import { isTracked, restartsOf } from './job-pod.ts';
import { backoffLeft, scalePods } from './job-scaling.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;

/** The next step of a Job, in the order it is to be taken. */
export interface JobStep {
  /** The whole of it; what is not there is to be removed. */
  readonly status: JobStatus;
  /** Pods whose finalizer goes, being counted. */
  readonly release: readonly Pod[];
  /** Pods to be deleted that count as failed. */
  readonly stop: readonly Pod[];
  /** Pods to be deleted that do not count. */
  readonly withdraw: readonly Pod[];
  /** One pod each; the completion index of an Indexed Job. */
  readonly create: readonly (number | undefined)[];
  /** In ms: when time alone may change the answer. */
  readonly next?: number;
}

/**
 *     suspended ◀──▶ running ──▶ SuccessCriteriaMet ──▶ Complete
 *                        └─────▶ FailureTarget ───────▶ Failed       (once no pod is left running or uncounted)
 */
export function planJob(job: Job, pods: readonly Pod[], now: number): JobStep {
  if (finishedCondition(job)) {
    const release = pods.filter(isTracked);
    return { status: job.status ?? {}, release, stop: [], withdraw: [], create: [] };
  }
  const count = countPods(job, pods);
  const end = decidedEnd(job) ?? reachedEnd(job, count, now);
  if (end) return endStep(job, { count, end, now });
  if (job.spec?.suspend) return suspendStep(job, count, now);
  return runStep(job, { count, pods, now });
}

function reachedEnd(job: Job, { succeeded, failed, active, terminating }: JobCount, now: number): JobEnd | undefined {
  const { spec, status } = job;
  const limit = spec?.backoffLimit ?? 6;
  const restarts = spec?.template?.spec?.restartPolicy === 'OnFailure' ? sum(active.map(restartsOf)) : 0;
  if (failed > limit || (restarts > 0 && restarts >= limit)) return TOO_MANY_FAILURES;
  const started = timeOf(status?.startTime);
  const deadline = spec?.activeDeadlineSeconds;
  const isLate = started !== undefined && deadline !== undefined && now - started >= deadline * 1000;
  if (isLate && !spec?.suspend) return TOO_LATE;
  if (spec?.completions !== undefined) return succeeded >= spec.completions && !spec.suspend ? COMPLETED : undefined;
  return succeeded > 0 && active.length + terminating.length === 0 ? COMPLETED : undefined;
}

interface Ending {
  readonly count: JobCount;
  readonly end: JobEnd;
  readonly now: number;
}

/** No new pods; those that run are stopped, and the Job is over when all are counted. */
function endStep(job: Job, { count, end, now }: Ending): JobStep {
  const { outcome, reason, message } = end;
  const target = outcome === 'Failed' ? 'FailureTarget' : 'SuccessCriteriaMet';
  const conditions = withCondition(job.status?.conditions ?? [], { type: target, reason, message }, now);
  const isOver = count.active.length + count.terminating.length === 0 && uncounted(count) === 0;
  const status = statusOf(job, count, conditions);
  const isFailure = outcome === 'Failed';
  const step = { status, release: count.release, create: [] };
  // Pods beyond what had to succeed are not failures.
  if (!isOver) return { ...step, stop: isFailure ? count.active : [], withdraw: isFailure ? [] : count.active };
  const all = withCondition(conditions, { type: outcome, reason, message }, now);
  const completionTime = outcome === 'Complete' ? { completionTime: timestamp(now) } : {};
  return { ...step, status: { ...status, ...completionTime, conditions: [...all] }, stop: [], withdraw: [] };
}

function uncounted({ status }: JobCount): number {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  return succeeded.length + failed.length;
}

function suspendStep(job: Job, count: JobCount, now: number): JobStep {
  const suspended = { type: 'Suspended', reason: 'JobSuspended', message: 'Job suspended' } as const;
  const conditions = withCondition(job.status?.conditions ?? [], suspended, now);
  const { startTime: _, ...status } = statusOf(job, count, conditions);
  return { status, release: count.release, stop: [], withdraw: count.active, create: [] };
}

interface Running {
  readonly count: JobCount;
  readonly pods: readonly Pod[];
  readonly now: number;
}

function runStep(job: Job, { count, pods, now }: Running): JobStep {
  const resumed = { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' } as const;
  const before = job.status?.conditions ?? [];
  const conditions = conditionOf(job, 'Suspended') ? withCondition(before, resumed, now) : before;
  const startTime = job.status?.startTime ?? timestamp(now);
  const { create, withdraw } = scalePods(job, count);
  const wait = create.length > 0 ? backoffLeft(pods, now) : 0;
  const { activeDeadlineSeconds: limit } = job.spec ?? {};
  const deadline = limit === undefined ? undefined : (timeOf(startTime) ?? now) + limit * 1000 - now;
  const next = Math.min(wait || Number.POSITIVE_INFINITY, deadline ?? Number.POSITIVE_INFINITY);
  return {
    status: { ...statusOf(job, count, conditions), startTime },
    release: count.release,
    stop: [],
    withdraw,
    create: wait > 0 ? [] : create,
    ...(Number.isFinite(next) ? { next } : {}),
  };
}

function statusOf(job: Job, count: JobCount, conditions: readonly JobCondition[]): JobStatus {
  const { startTime } = job.status ?? {};
  return {
    ...(conditions.length > 0 ? { conditions: [...conditions] } : {}),
    ...(startTime ? { startTime } : {}),
    ...positive({ active: count.active.length, succeeded: count.status.succeeded, failed: count.status.failed }),
    ...(count.status.completedIndexes ? { completedIndexes: count.status.completedIndexes } : {}),
    uncountedTerminatedPods: count.status.uncountedTerminatedPods ?? {},
    ready: count.active.filter(isReady).length,
    terminating: count.terminating.length,
  };
}

/** Zeros of these are not written, as in Go. */
function positive<K extends string>(counts: Record<K, number | undefined>): Partial<Record<K, number>> {
  return Object.fromEntries(Object.entries(counts).filter(([, n]) => n)) as Partial<Record<K, number>>;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
