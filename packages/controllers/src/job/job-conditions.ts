import type { ObjectOf } from '@podwire/kube';
import { timestamp } from '../clock.ts';

type Job = ObjectOf<'Job'>;
export type JobStatus = NonNullable<Job['status']>;
export type JobCondition = NonNullable<JobStatus['conditions']>[number];
export type JobConditionType = 'Suspended' | 'SuccessCriteriaMet' | 'FailureTarget' | 'Complete' | 'Failed';

/** Why a Job is over, in the words of Kubernetes. */
export interface JobEnd {
  readonly outcome: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

export const COMPLETED: JobEnd = {
  outcome: 'Complete',
  reason: 'CompletionsReached',
  message: 'Reached expected number of succeeded pods',
};
export const TOO_MANY_FAILURES: JobEnd = {
  outcome: 'Failed',
  reason: 'BackoffLimitExceeded',
  message: 'Job has reached the specified backoff limit',
};
export const TOO_LATE: JobEnd = {
  outcome: 'Failed',
  reason: 'DeadlineExceeded',
  message: 'Job was active longer than specified deadline',
};

export const TOO_MANY_INDEXES: JobEnd = {
  outcome: 'Failed',
  reason: 'MaxFailedIndexesExceeded',
  message: 'Job has exceeded the specified maximal number of failed indexes',
};
export const FAILED_INDEXES: JobEnd = {
  outcome: 'Failed',
  reason: 'FailedIndexes',
  message: 'Job has failed indexes',
};

export function conditionOf(job: Job, type: JobConditionType): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

/** The condition of a Job that is over for good, its pods counted. */
export function finishedCondition(job: Job): JobCondition | undefined {
  return conditionOf(job, 'Complete') ?? conditionOf(job, 'Failed');
}

/** How a Job will be over once its pods are; undefined: not decided. */
export function decidedEnd(job: Job): JobEnd | undefined {
  const failed = conditionOf(job, 'FailureTarget');
  const condition = failed ?? conditionOf(job, 'SuccessCriteriaMet');
  if (!condition) return undefined;
  const { reason = '', message = '' } = condition;
  return { outcome: failed ? 'Failed' : 'Complete', reason, message };
}

interface NewCondition {
  readonly type: JobConditionType;
  readonly status?: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** With this condition in place of the one of its type; the same list when it says that already. */
export function withCondition(
  conditions: readonly JobCondition[],
  { type, status = 'True', reason, message }: NewCondition,
  now: number,
): readonly JobCondition[] {
  const present = conditions.find((condition) => condition.type === type);
  if (present?.status === status && present.reason === reason) return conditions;
  const time = timestamp(now);
  const next = { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
  return present ? conditions.map((one) => (one === present ? next : one)) : [...conditions, next];
}
