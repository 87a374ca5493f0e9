import type { ObjectOf } from '@podwire/kube';
import { timeOf, timestamp } from '../clock.ts';
import { isReady } from '../context.ts';
import { type IndexFailures, limitsIndexes } from './index-failures.ts';
import {
  COMPLETED,
  conditionOf,
  decidedEnd,
  FAILED_INDEXES,
  finishedCondition,
  type JobCondition,
  type JobEnd,
  type JobStatus,
  TOO_LATE,
  TOO_MANY_FAILURES,
  TOO_MANY_INDEXES,
  withCondition,
} from './job-conditions.ts';
import { countPods, type JobCount } from './job-count.ts';
import { isTracked, type JobPodIndex, restartsOf } from './job-pod.ts';
import { backoffAfter, backoffLeft, scalePods } from './job-scaling.ts';
import { declaredSuccess } from './success-policy.ts';

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
  readonly create: readonly (JobPodIndex | undefined)[];
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

function reachedEnd(job: Job, count: JobCount, now: number): JobEnd | undefined {
  const { fatal } = count;
  if (fatal !== undefined) return { outcome: 'Failed', reason: 'PodFailurePolicy', message: fatal };
  return reachedLimit(job, count, now) ?? reachedSuccess(job, count);
}

function reachedLimit(job: Job, { failed, active, failedIndexes }: JobCount, now: number): JobEnd | undefined {
  const { spec, status } = job;
  const limit = spec?.backoffLimit ?? 6;
  const restarts = spec?.template?.spec?.restartPolicy === 'OnFailure' ? sum(active.map(restartsOf)) : 0;
  if (failed > limit || (restarts > 0 && restarts >= limit)) return TOO_MANY_FAILURES;
  const started = timeOf(status?.startTime);
  const deadline = spec?.activeDeadlineSeconds;
  const isLate = started !== undefined && deadline !== undefined && now - started >= deadline * 1000;
  if (isLate && !spec?.suspend) return TOO_LATE;
  return failedIndexes.size > (spec?.maxFailedIndexes ?? Number.POSITIVE_INFINITY) ? TOO_MANY_INDEXES : undefined;
}

function reachedSuccess(job: Job, count: JobCount): JobEnd | undefined {
  const { succeeded, active, terminating, completed, failedIndexes } = count;
  const { spec } = job;
  const declared = declaredSuccess(job, completed);
  if (declared) return declared;
  if (spec?.completions !== undefined) {
    if (spec.suspend || succeeded + failedIndexes.size < spec.completions) return undefined;
    return failedIndexes.size > 0 ? FAILED_INDEXES : COMPLETED;
  }
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
  const step = { status, release: [...count.release, ...count.held], create: [] };
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
  const wait = create.length > 0 && !limitsIndexes(job) ? backoffLeft(job, pods, now) : 0;
  const waits = new Map(create.map((index) => [index, indexWait(count.failures.get(index ?? -1), now)]));
  const open = wait > 0 ? [] : create.filter((index) => waits.get(index) === 0);
  const { activeDeadlineSeconds: limit } = job.spec ?? {};
  const deadline = limit === undefined ? undefined : (timeOf(startTime) ?? now) + limit * 1000 - now;
  const next = Math.min(...[wait, ...waits.values(), deadline].map((ms) => ms || Number.POSITIVE_INFINITY));
  return {
    status: { ...statusOf(job, count, conditions), startTime },
    release: count.release,
    stop: [],
    withdraw,
    create: open.map((index) => podIndex(job, index, count)),
    ...(Number.isFinite(next) ? { next } : {}),
  };
}

/** With backoffLimitPerIndex each index waits for itself. */
function indexWait(failures: IndexFailures | undefined, now: number): number {
  return failures ? backoffAfter(failures.failures + failures.ignored, failures.lastAt, now) : 0;
}

function podIndex(job: Job, index: number | undefined, { failures }: JobCount): JobPodIndex | undefined {
  if (index === undefined) return undefined;
  return limitsIndexes(job) ? { index, past: failures.get(index) ?? { failures: 0, ignored: 0 } } : { index };
}

function statusOf(job: Job, count: JobCount, conditions: readonly JobCondition[]): JobStatus {
  const { startTime } = job.status ?? {};
  return {
    ...(conditions.length > 0 ? { conditions: [...conditions] } : {}),
    ...(startTime ? { startTime } : {}),
    ...positive({ active: count.active.length, succeeded: count.status.succeeded, failed: count.status.failed }),
    ...(count.status.completedIndexes ? { completedIndexes: count.status.completedIndexes } : {}),
    ...(count.status.failedIndexes ? { failedIndexes: count.status.failedIndexes } : {}),
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
