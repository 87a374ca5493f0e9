import type { ObjectOf } from '@podwire/kube';
import { failureVerdict } from './failure-policy.ts';
import { parseIndexes } from './index-set.ts';
import { failuresBefore, finishTime, ignoredBefore, indexOfPod, isTracked } from './job-pod.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;

/** How often an index has failed: with pods that are still there, each of which knows of those before it. */
export interface IndexFailures {
  readonly failures: number;
  /** Those a rule of podFailurePolicy ignores. */
  readonly ignored: number;
  /** When the last one did, in ms; 0: not known. */
  readonly lastAt: number;
  /** Of the last one. */
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';
}

/** Whether each index has a limit of its own (KEP-3850). */
export const limitsIndexes = ({ spec }: Job): boolean => spec?.backoffLimitPerIndex !== undefined;

export function indexFailures(job: Job, pods: readonly Pod[]): Map<number, IndexFailures> {
  const found = new Map<number, IndexFailures>();
  if (!limitsIndexes(job)) return found;
  for (const pod of pods.filter(({ status }) => status?.phase === 'Failed')) {
    const index = indexOfPod(pod);
    if (index === undefined) continue;
    const failures = failuresOf(job, pod);
    const total = ({ failures: one, ignored }: IndexFailures): number => one + ignored;
    const known = found.get(index);
    if (!known || total(failures) > total(known)) found.set(index, failures);
  }
  return found;
}

function failuresOf(job: Job, pod: Pod): IndexFailures {
  const { action } = failureVerdict(job, pod);
  const isIgnored = action === 'Ignore';
  return {
    failures: failuresBefore(pod) + (isIgnored ? 0 : 1),
    ignored: ignoredBefore(pod) + (isIgnored ? 1 : 0),
    lastAt: finishTime(pod),
    action,
  };
}

/** Indexes that have failed for good, those the status knows of included. */
export function failedIndexes(job: Job, failures: ReadonlyMap<number, IndexFailures>): Set<number> {
  const limit = job.spec?.backoffLimitPerIndex;
  if (limit === undefined) return new Set();
  const failed = parseIndexes(job.status?.failedIndexes);
  for (const [index, { failures: times, action }] of failures)
    if (times > limit || action === 'FailIndex') failed.add(index);
  return new Set([...failed].filter((index) => index < (job.spec?.completions ?? 0)));
}

/** Pods that are counted but kept until a successor knows how often their index has failed. */
export function heldPods(job: Job, pods: readonly Pod[], settled: ReadonlySet<number>): Set<Pod> {
  if (!limitsIndexes(job)) return new Set();
  const knows = (pod: Pod): number => failuresBefore(pod) + ignoredBefore(pod);
  return new Set(
    pods.filter((pod) => {
      const index = indexOfPod(pod);
      if (index === undefined || settled.has(index) || pod.status?.phase !== 'Failed' || !isTracked(pod)) return false;
      return !pods.some((other) => indexOfPod(other) === index && knows(other) > knows(pod));
    }),
  );
}
