import type { ObjectOf } from '@podwire/kube';
import { timeOf, timestamp } from '../clock.ts';
import { nameOf } from '../context.ts';
import type { Remark } from '../event.ts';
import { finishedCondition } from '../job/job-conditions.ts';
import { MANY_MISSED, missedTimes } from './missed-time.ts';
import { nextTime } from './next-time.ts';
import { parseSchedule } from './schedule.ts';

type CronJob = ObjectOf<'CronJob'>;
type Job = ObjectOf<'Job'>;
type Status = NonNullable<CronJob['status']>;

export interface CronStep {
  /** Without the Job that is made now. */
  readonly status: Status;
  /** Jobs to be deleted: too old, or replaced. */
  readonly remove: readonly Job[];
  /** The time, in ms, a Job is made for now. */
  readonly create?: number;
  readonly remarks: readonly Remark[];
  /** In ms: when the next time comes. */
  readonly next?: number;
}

/** `NAME-MINUTES`: one name for each time, so that no time makes two Jobs. */
export const cronJobName = (cron: CronJob, at: number): string => `${nameOf(cron)}-${Math.floor(at / 60_000)}`;

/** What a CronJob does now, given the Jobs it controls. */
export function planCron(cron: CronJob, jobs: readonly Job[], now: number): CronStep {
  const { active, remarks, lastSuccess } = observed(cron, jobs);
  const status: Status = {
    ...cron.status,
    ...(active.length > 0 ? { active } : {}),
    ...(lastSuccess === undefined ? {} : { lastSuccessfulTime: timestamp(lastSuccess) }),
  };
  if (active.length === 0) delete status.active;
  const base = { status, remove: outOfHistory(cron, jobs), remarks };
  if (cron.spec?.suspend) return base;
  const due = dueTime(cron, now);
  if ('problem' in due) return { ...base, remarks: [...remarks, due.problem] };
  return withDue(cron, { base, due, jobs });
}

function withDue(cron: CronJob, { base, due, jobs }: { base: CronStep; due: Due; jobs: readonly Job[] }): CronStep {
  const { at, remarks } = due;
  const step = {
    ...base,
    remarks: [...base.remarks, ...remarks],
    ...(due.next === undefined ? {} : { next: due.next }),
  };
  if (at === undefined || jobs.some((job) => nameOf(job) === cronJobName(cron, at))) return step;
  const { concurrencyPolicy } = cron.spec ?? {};
  const running = (base.status.active ?? []).flatMap(({ uid }) => jobs.find((job) => job.metadata?.uid === uid) ?? []);
  if (concurrencyPolicy === 'Forbid' && running.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    return { ...step, remarks: [...step.remarks, { type: 'Normal', reason: 'JobAlreadyActive', message }] };
  }
  if (concurrencyPolicy !== 'Replace') return { ...step, create: at };
  const { active: _, ...status } = base.status;
  return { ...step, status, remove: [...base.remove, ...running], create: at };
}

interface Due {
  readonly at?: number;
  readonly next?: number;
  readonly remarks: readonly Remark[];
}

function dueTime(cron: CronJob, now: number): Due | { readonly problem: Remark } {
  const { schedule: text = '', timeZone = 'UTC', startingDeadlineSeconds: deadline } = cron.spec ?? {};
  const schedule = parseSchedule(text);
  if (!schedule) return { problem: unparseable(text) };
  const last = timeOf(cron.status?.lastScheduleTime);
  const earliest = last ?? timeOf(cron.metadata?.creationTimestamp) ?? now;
  const since = deadline === undefined ? earliest : Math.max(earliest, now - deadline * 1000);
  try {
    const missed = missedTimes(schedule, { since, now, zone: timeZone });
    const following = nextTime(schedule, now, timeZone);
    const next = following === undefined ? {} : { next: following - now };
    if (!missed) return { ...next, remarks: [] };
    const isLate = deadline !== undefined && missed.latest + deadline * 1000 < now;
    if (isLate) return { ...next, remarks: [late(missed.latest)] };
    return { ...next, at: missed.latest, remarks: missed.count > MANY_MISSED ? [TOO_MANY] : [] };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = `invalid timeZone: unknown time zone ${timeZone}`;
    return { problem: { type: 'Warning', reason: 'UnknownTimeZone', message } };
  }
}

const TOO_MANY: Remark = {
  type: 'Warning',
  reason: 'TooManyMissedTimes',
  message: 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
};

function unparseable(text: string): Remark {
  return { type: 'Warning', reason: 'UnparseableSchedule', message: `unparseable schedule: ${JSON.stringify(text)}` };
}

function late(at: number): Remark {
  const message = `Missed scheduled time to start a job: ${new Date(at).toUTCString()}`;
  return { type: 'Warning', reason: 'MissSchedule', message };
}

/** Its list of active Jobs, without those that are over or away. */
function observed(cron: CronJob, jobs: readonly Job[]) {
  const remarks: Remark[] = [];
  let lastSuccess = timeOf(cron.status?.lastSuccessfulTime);
  const listed = cron.status?.active ?? [];
  const active = listed.filter(({ uid, name = '' }) => {
    const job = jobs.find((one) => one.metadata?.uid === uid);
    const end = job && finishedCondition(job);
    if (!job) remarks.push({ type: 'Normal', reason: 'MissingJob', message: `Active job went missing: ${name}` });
    if (end) {
      const message = `Saw completed job: ${name}, condition: ${end.type}`;
      remarks.push({ type: 'Normal', reason: 'SawCompletedJob', message });
    }
    return job && !end;
  });
  for (const job of jobs) {
    const ended = finishedCondition(job)?.type === 'Complete' ? timeOf(job.status?.completionTime) : undefined;
    if (ended !== undefined) lastSuccess = Math.max(lastSuccess ?? 0, ended);
  }
  return { active, remarks, lastSuccess };
}

function outOfHistory(cron: CronJob, jobs: readonly Job[]): Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cron.spec ?? {};
  const oldest = (type: string, limit: number | undefined): Job[] => {
    const ended = jobs.filter((job) => finishedCondition(job)?.type === type && !job.metadata?.deletionTimestamp);
    if (limit === undefined) return [];
    return ended.toSorted((a, b) => startOf(a) - startOf(b)).slice(0, Math.max(0, ended.length - limit));
  };
  return [...oldest('Complete', successfulJobsHistoryLimit), ...oldest('Failed', failedJobsHistoryLimit)];
}

const startOf = ({ status, metadata }: Job): number => timeOf(status?.startTime ?? metadata?.creationTimestamp) ?? 0;
