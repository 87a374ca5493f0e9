import type { ObjectOf } from '@podwire/kube';
import { isReady } from '../context.ts';
import { PASS_LIMIT } from '../pod-template.ts';
import { failureVerdict } from './failure-policy.ts';
import { type JobCount, replacesFailedOnly } from './job-count.ts';
import { finishTime, indexOfPod } from './job-pod.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;

/** First and longest wait, in ms, before a pod is made after one has failed; doubled for each since the last success. */
const BACKOFF = [10_000, 600_000] as const;

interface Scaling {
  /** One pod each; the completion index of an Indexed Job. */
  readonly create: readonly (number | undefined)[];
  readonly withdraw: readonly Pod[];
}

/** Which pods to make and which are too many. */
export function scalePods(job: Job, count: JobCount): Scaling {
  const { parallelism = 1, completions, completionMode } = job.spec ?? {};
  const { active } = count;
  const succeeded = count.succeeded + count.failedIndexes.size;
  const kept = completionMode === 'Indexed' ? ofDistinctIndexes(active, count, completions ?? 0) : active;
  const wrong = active.filter((pod) => !kept.includes(pod));
  const wanted = wantedPods({ parallelism, completions, succeeded, active: kept.length });
  const held = replacesFailedOnly(job) ? kept.length + count.terminating.length : kept.length;
  if (wanted < kept.length)
    return { create: [], withdraw: [...wrong, ...byWorth(kept).slice(0, kept.length - wanted)].slice(0, PASS_LIMIT) };
  const missing = Math.min(Math.max(0, wanted - held), PASS_LIMIT);
  const create =
    completionMode === 'Indexed'
      ? freeIndexes(job, count, kept).slice(0, missing)
      : Array.from({ length: missing }, () => undefined);
  return { create, withdraw: wrong.slice(0, PASS_LIMIT) };
}

interface Wish {
  readonly parallelism: number;
  readonly completions: number | undefined;
  readonly succeeded: number;
  readonly active: number;
}

/** A Job without completions is a queue of work: once one pod has succeeded, no more are started. */
function wantedPods({ parallelism, completions, succeeded, active }: Wish): number {
  if (completions === undefined) return succeeded > 0 ? Math.min(active, parallelism) : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

/** One pod for each index that is wanted and open, the oldest. */
function ofDistinctIndexes(pods: readonly Pod[], { completed, failedIndexes }: JobCount, end: number): Pod[] {
  const taken = new Set<number>(failedIndexes);
  return pods.toSorted(byAge).filter((pod) => {
    const index = indexOfPod(pod);
    if (index === undefined || index >= end || completed.has(index) || taken.has(index)) return false;
    return taken.add(index);
  });
}

function freeIndexes(job: Job, { completed, failedIndexes, terminating }: JobCount, kept: readonly Pod[]): number[] {
  const held = replacesFailedOnly(job) ? [...kept, ...terminating] : kept;
  const taken = new Set([...completed, ...failedIndexes, ...held.map(indexOfPod)]);
  const found: number[] = [];
  for (let index = 0; index < (job.spec?.completions ?? 0) && found.length < PASS_LIMIT; index++)
    if (!taken.has(index)) found.push(index);
  return found;
}

const createdAt = ({ metadata }: Pod): string => `${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`;
const byAge = (a: Pod, b: Pod): number => (createdAt(a) < createdAt(b) ? -1 : 1);

/** Those that have come least far first. */
function byWorth(pods: readonly Pod[]): Pod[] {
  const rank = (pod: Pod): number => (pod.spec?.nodeName ? 1 : 0) + (isReady(pod) ? 2 : 0);
  return pods.toSorted((a, b) => rank(a) - rank(b) || byAge(b, a));
}

/** How long, in ms, no pod is made because of failures since the last success. */
export function backoffLeft(job: Job, pods: readonly Pod[], now: number): number {
  const counted = pods.filter((pod) => failureVerdict(job, pod).action !== 'Ignore');
  const ends = (phase: string): number[] => counted.filter(({ status }) => status?.phase === phase).map(finishTime);
  const lastSuccess = Math.max(0, ...ends('Succeeded'));
  const failures = ends('Failed').filter((ms) => ms > lastSuccess);
  return backoffAfter(failures.length, Math.max(0, ...failures), now);
}

/** The same after so many failures, the last of them at this time. */
export function backoffAfter(failures: number, last: number, now: number): number {
  if (failures === 0) return 0;
  const [first, longest] = BACKOFF;
  return Math.max(0, last + Math.min(first * 2 ** (failures - 1), longest) - now);
}
