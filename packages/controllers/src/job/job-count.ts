import type { ObjectOf } from '@podwire/kube';
import { failureVerdict } from './failure-policy.ts';
import { failedIndexes, heldPods, type IndexFailures, indexFailures } from './index-failures.ts';
import { formatIndexes, parseIndexes } from './index-set.ts';
import type { JobStatus } from './job-conditions.ts';
import { indexOfPod, isTracked } from './job-pod.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;

/**
 * What became of a Job's pods. A pod counts once: its uid is noted in the status, then its finalizer goes, then the uid
 * becomes a number. Each of the three steps may be the last before a crash.
 */
export interface JobCount {
  /** With the pods whose uid is noted only. */
  readonly succeeded: number;
  readonly failed: number;
  /** Of an Indexed Job. */
  readonly completed: ReadonlySet<number>;
  /** Indexes that have failed for good, each having a limit of its own. */
  readonly failedIndexes: ReadonlySet<number>;
  readonly failures: ReadonlyMap<number, IndexFailures>;
  /** Why a pod that failed ends the whole Job; undefined: none does. */
  readonly fatal: string | undefined;
  /** Neither over nor on their way out. */
  readonly active: readonly Pod[];
  /** On their way out but not over. */
  readonly terminating: readonly Pod[];
  /** Counted: nothing needs them any more. */
  readonly release: readonly Pod[];
  /** Counted, but kept until a successor knows of them. */
  readonly held: readonly Pod[];
  readonly status: Pick<
    JobStatus,
    'succeeded' | 'failed' | 'completedIndexes' | 'failedIndexes' | 'uncountedTerminatedPods'
  >;
}

const phaseOf = ({ status }: Pod): string => status?.phase ?? 'Pending';
const isOver = (pod: Pod): boolean => phaseOf(pod) === 'Succeeded' || phaseOf(pod) === 'Failed';
const isLeaving = (pod: Pod): boolean => pod.metadata?.deletionTimestamp !== undefined;
const uidOf = ({ metadata }: Pod): string => metadata?.uid ?? '';

/** Whether Jobs wait for the end of a pod that is being deleted before they count and replace it. */
export function replacesFailedOnly({ spec }: Job): boolean {
  return spec?.podReplacementPolicy === 'Failed';
}

function hasFailed(job: Job, pod: Pod): boolean {
  if (phaseOf(pod) === 'Failed') return true;
  if (!isLeaving(pod) || phaseOf(pod) === 'Succeeded') return false;
  // Nothing but the finalizer holds a pod without grace: no phase will follow.
  return !replacesFailedOnly(job) || !pod.metadata?.deletionGracePeriodSeconds;
}

export function countPods(job: Job, pods: readonly Pod[]): JobCount {
  const tracked = new Map(pods.filter(isTracked).map((pod) => [uidOf(pod), pod]));
  const noted = job.status?.uncountedTerminatedPods ?? {};
  const pending = (uids: readonly string[] = []): string[] => uids.filter((uid) => tracked.has(uid));
  const settled = (uids: readonly string[] = []): number => uids.length - pending(uids).length;
  const isNoted = (pod: Pod): boolean => [noted.succeeded, noted.failed].some((uids) => uids?.includes(uidOf(pod)));
  const fresh = [...tracked.values()].filter((pod) => !isNoted(pod));
  const successes = fresh.filter((pod) => phaseOf(pod) === 'Succeeded');
  const failures = fresh.filter((pod) => hasFailed(job, pod));
  const verdicts = new Map(failures.map((pod) => [pod, failureVerdict(job, pod)]));
  const counted = failures.filter((pod) => verdicts.get(pod)?.action !== 'Ignore');
  const isIndexed = job.spec?.completionMode === 'Indexed';
  const uncounted = {
    succeeded: isIndexed ? [] : [...pending(noted.succeeded), ...successes.map(uidOf)],
    failed: [...pending(noted.failed), ...counted.map(uidOf)],
  };
  const completed = isIndexed ? withIndexes(job, successes) : new Set<number>();
  const succeeded = isIndexed ? completed.size : (job.status?.succeeded ?? 0) + settled(noted.succeeded);
  const failed = (job.status?.failed ?? 0) + settled(noted.failed);
  const { held, ...indexes } = countIndexes(job, pods, completed);
  return {
    ...indexes,
    succeeded: succeeded + uncounted.succeeded.length,
    failed: failed + uncounted.failed.length,
    completed,
    fatal: [...verdicts.values()].find(({ action }) => action === 'FailJob')?.message,
    active: pods.filter((pod) => !isOver(pod) && !isLeaving(pod)),
    terminating: pods.filter((pod) => !isOver(pod) && isLeaving(pod)),
    release: [...pods.filter((pod) => isTracked(pod) && isNoted(pod)), ...successes, ...failures].filter(
      (pod) => !held.has(pod),
    ),
    held: [...held],
    status: {
      succeeded,
      failed,
      uncountedTerminatedPods: withoutEmpty(uncounted),
      ...indexesOf(completed, indexes.failedIndexes),
    },
  };
}

function countIndexes(job: Job, pods: readonly Pod[], completed: ReadonlySet<number>) {
  const failures = indexFailures(job, pods);
  const failed = failedIndexes(job, failures);
  return { failures, failedIndexes: failed, held: heldPods(job, pods, new Set([...completed, ...failed])) };
}

const indexesOf = (completed: ReadonlySet<number>, failed: ReadonlySet<number>) => ({
  ...(completed.size === 0 ? {} : { completedIndexes: formatIndexes(completed) }),
  ...(failed.size === 0 ? {} : { failedIndexes: formatIndexes(failed) }),
});

/** As Go leaves empty lists out. */
function withoutEmpty(
  lists: Record<'succeeded' | 'failed', string[]>,
): Partial<Record<'succeeded' | 'failed', string[]>> {
  return Object.fromEntries(Object.entries(lists).filter(([, uids]) => uids.length > 0));
}

function withIndexes(job: Job, successes: readonly Pod[]): Set<number> {
  const end = job.spec?.completions ?? 0;
  const all = [...parseIndexes(job.status?.completedIndexes), ...successes.flatMap((pod) => indexOfPod(pod) ?? [])];
  return new Set(all.filter((index) => index < end));
}
