import type { ObjectOf } from '@podwire/kube';
import { availableIn, soonest } from '../availability.ts';
import { isActive } from '../context.ts';
import { resolveCount } from '../count.ts';
import { mayStart, PASS_LIMIT, REVISION_LABEL } from '../pod-template.ts';
import { ordinalOf, revisionName } from './stateful-pod.ts';

type StatefulSet = ObjectOf<'StatefulSet'>;
type Pod = ObjectOf<'Pod'>;

export interface StatefulPlan {
  /** Ordinals whose pods are made now. */
  readonly create: readonly number[];
  readonly remove: readonly Pod[];
  /** In ms: when time alone may change the answer. */
  readonly next?: number;
}

/**
 * The next step towards ordinals 0 to replicas - 1. OrderedReady: a pod is made when all below are available, and removed
 * from the top, one at a time; Parallel: all at once. An update replaces from the top down to the partition, one pod at
 * a time, each when those above are available, or maxUnavailable at once. A pod is made anew only after the one of its name is gone.
 */
export function planStateful(set: StatefulSet, pods: readonly Pod[], now: number): StatefulPlan {
  const finished = pods.filter((pod) => !isActive(pod) && !pod.metadata?.deletionTimestamp);
  const isParallel = set.spec?.podManagementPolicy === 'Parallel';
  const { create, remove } = isParallel ? parallelStep(set, pods, now) : orderedStep(set, pods, now);
  const next = soonest(pods.filter(isActive).map((pod) => availableIn(pod, set.spec?.minReadySeconds, now)));
  const most = [...finished, ...remove].slice(0, PASS_LIMIT);
  return { create, remove: most, ...(next === undefined ? {} : { next }) };
}

function parallelStep(set: StatefulSet, pods: readonly Pod[], now: number): StatefulPlan {
  const present = new Set(pods.map((pod) => ordinalOf(set, pod)));
  const missing = ordinals(set, (ordinal) => !present.has(ordinal), PASS_LIMIT);
  const surplus = surplusOf(set, pods);
  if (missing.length + surplus.length > 0) return { create: missing.slice(0, mayStart(pods)), remove: surplus };
  return { create: [], remove: updateStep(set, pods, now) };
}

function orderedStep(set: StatefulSet, pods: readonly Pod[], now: number): StatefulPlan {
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const [waiting] = ordinals(set, (ordinal) => !serves(set, byOrdinal.get(ordinal), now), 1);
  if (waiting !== undefined) {
    const broken = byOrdinal.get(waiting);
    if (!broken) return { create: [waiting], remove: [] };
    // What was never going to be ready must not keep its successor away.
    return { create: [], remove: isActive(broken) && isOutdated(set, broken) ? [broken] : [] };
  }
  const surplus = surplusOf(set, pods);
  if (surplus.length === 0) return { create: [], remove: updateStep(set, pods, now) };
  const isEnding = pods.some((pod) => pod.metadata?.deletionTimestamp);
  return { create: [], remove: isEnding ? [] : surplus.slice(0, 1) };
}

function surplusOf(set: StatefulSet, pods: readonly Pod[]): Pod[] {
  return descending(
    set,
    pods.filter((pod) => isActive(pod) && !isWanted(set, pod)),
  );
}

/** From the top: outdated pods, as long as no more than maxUnavailable are not available. */
function updateStep(set: StatefulSet, pods: readonly Pod[], now: number): Pod[] {
  const wanted = descending(
    set,
    pods.filter((pod) => isWanted(set, pod)),
  );
  const most = maxUnavailable(set);
  if (most === 1) return oneByOne(set, wanted, now);
  const isAway = (pod: Pod): boolean => !serves(set, pod, now);
  const outdated = wanted.filter((pod) => isActive(pod) && isOutdated(set, pod));
  const room = Math.max(0, most - wanted.filter(isAway).length);
  // Those that are not available anyway cost nothing.
  return [...outdated.filter(isAway), ...outdated.filter((pod) => !isAway(pod)).slice(0, room)];
}

/** The first outdated pod, unless one above it is not available yet; pods below do not matter. */
function oneByOne(set: StatefulSet, wanted: readonly Pod[], now: number): Pod[] {
  for (const pod of wanted) {
    if (isActive(pod) && isOutdated(set, pod)) return [pod];
    if (!serves(set, pod, now)) return [];
  }
  return [];
}

function maxUnavailable({ spec }: StatefulSet): number {
  const rolling: { readonly maxUnavailable?: number | string } = spec?.updateStrategy?.rollingUpdate ?? {};
  return Math.max(1, resolveCount(rolling.maxUnavailable ?? 1, spec?.replicas ?? 1, 'up'));
}

/** The first and the one past the last ordinal. */
function range({ spec }: StatefulSet): readonly [first: number, end: number] {
  const first = spec?.ordinals?.start ?? 0;
  return [first, first + (spec?.replicas ?? 1)];
}

export function isWanted(set: StatefulSet, pod: Pod): boolean {
  const [first, end] = range(set);
  const ordinal = ordinalOf(set, pod) ?? -1;
  return ordinal >= first && ordinal < end;
}

/** The lowest ordinals of the set that satisfy the condition; there may be two thousand million to choose from. */
function ordinals(set: StatefulSet, condition: (ordinal: number) => boolean, limit: number): number[] {
  const [first, end] = range(set);
  const found: number[] = [];
  for (let ordinal = first; ordinal < end && found.length < limit; ordinal++)
    if (condition(ordinal)) found.push(ordinal);
  return found;
}

function descending(set: StatefulSet, pods: readonly Pod[]): Pod[] {
  return pods.toSorted((a, b) => (ordinalOf(set, b) ?? 0) - (ordinalOf(set, a) ?? 0));
}

function serves({ spec }: StatefulSet, pod: Pod | undefined, now: number): boolean {
  return pod !== undefined && isActive(pod) && availableIn(pod, spec?.minReadySeconds, now) === 0;
}

/** Whether an update leaves pods of this ordinal alone. */
export function isBelowPartition({ spec }: StatefulSet, ordinal: number): boolean {
  return ordinal < (spec?.ordinals?.start ?? 0) + (spec?.updateStrategy?.rollingUpdate?.partition ?? 0);
}

function isOutdated(set: StatefulSet, pod: Pod): boolean {
  if (set.spec?.updateStrategy?.type === 'OnDelete') return false;
  if (isBelowPartition(set, ordinalOf(set, pod) ?? 0)) return false;
  return pod.metadata?.labels?.[REVISION_LABEL] !== revisionName(set);
}
