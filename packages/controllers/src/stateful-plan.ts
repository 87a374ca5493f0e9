import type { ObjectOf } from '@podwire/kube';
import { isActive, isReady, nameOf } from './context.ts';
import { mayStart, PASS_LIMIT, podFromTemplate, REVISION_LABEL } from './pod-template.ts';
import { templateHash } from './rollout.ts';

type StatefulSet = ObjectOf<'StatefulSet'>;
type Pod = ObjectOf<'Pod'>;

export interface StatefulPlan {
  /** Ordinals whose pods are made now. */
  readonly create: readonly number[];
  readonly remove: readonly Pod[];
}

/** `web-0` of set `web`: the name, hostname and index a pod of this ordinal always has. */
export function statefulPod(set: StatefulSet, ordinal: number): Pod {
  const name = `${nameOf(set)}-${ordinal}`;
  const pod = podFromTemplate(set, 'StatefulSet', {
    [REVISION_LABEL]: revisionName(set),
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
  });
  const { generateName: _, ...metadata } = pod.metadata ?? {};
  const { serviceName } = set.spec ?? {};
  const place = { hostname: name, ...(serviceName ? { subdomain: serviceName } : {}) };
  return { metadata: { ...metadata, name }, spec: { containers: [], ...pod.spec, ...place } };
}

export function revisionName(set: StatefulSet): string {
  return `${nameOf(set)}-${templateHash(set.spec?.template)}`;
}

function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const text = nameOf(pod).slice(nameOf(set).length + 1);
  return nameOf(pod).startsWith(`${nameOf(set)}-`) && /^(0|[1-9]\d*)$/.test(text) ? Number(text) : undefined;
}

/**
 * The next step towards ordinals 0 to replicas - 1. OrderedReady: a pod is made when all below are ready, and removed
 * from the top, one at a time; Parallel: all at once. An update replaces from the top down to the partition, one pod at
 * a time, each when all the others are ready. A pod is made anew only after the one of its name is gone.
 */
export function planStateful(set: StatefulSet, pods: readonly Pod[]): StatefulPlan {
  const byOrdinal = new Map(pods.flatMap((pod) => [[ordinalOf(set, pod), pod] as const]));
  const parallel = set.spec?.podManagementPolicy === 'Parallel';
  const finished = pods.filter((pod) => !isActive(pod) && !pod.metadata?.deletionTimestamp);
  const missing = parallel ? ordinals(set, (ordinal) => !byOrdinal.has(ordinal), PASS_LIMIT) : [];
  const surplus = descending(
    set,
    pods.filter((pod) => isActive(pod) && !isWanted(set, pod)),
  );
  const remove = (more: readonly Pod[] = []): Pod[] => [...finished, ...more].slice(0, PASS_LIMIT);
  if (parallel && missing.length + surplus.length > 0)
    return { create: missing.slice(0, mayStart(pods)), remove: remove(surplus) };
  const [waiting] = ordinals(set, (ordinal) => !serves(byOrdinal.get(ordinal)), 1);
  if (waiting !== undefined) {
    const broken = byOrdinal.get(waiting);
    if (!broken) return { create: [waiting], remove: remove() };
    return { create: [], remove: remove(isActive(broken) && isOutdated(set, broken) ? [broken] : []) };
  }
  if (surplus.length > 0) {
    const ending = pods.some((pod) => pod.metadata?.deletionTimestamp);
    return { create: [], remove: remove(ending ? [] : surplus.slice(0, 1)) };
  }
  const outdated = descending(
    set,
    pods.filter((pod) => isWanted(set, pod) && isOutdated(set, pod)),
  );
  return { create: [], remove: remove(outdated.slice(0, 1)) };
}

/** The first and the one past the last ordinal. */
function range({ spec }: StatefulSet): readonly [first: number, end: number] {
  const first = spec?.ordinals?.start ?? 0;
  return [first, first + (spec?.replicas ?? 1)];
}

function isWanted(set: StatefulSet, pod: Pod): boolean {
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

function serves(pod: Pod | undefined): boolean {
  return pod !== undefined && isActive(pod) && isReady(pod);
}

function isOutdated(set: StatefulSet, pod: Pod): boolean {
  if (set.spec?.updateStrategy?.type === 'OnDelete') return false;
  const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  return (ordinalOf(set, pod) ?? 0) >= partition && pod.metadata?.labels?.[REVISION_LABEL] !== revisionName(set);
}

export function statefulStatus(set: StatefulSet, pods: readonly Pod[]) {
  const active = pods.filter(isActive);
  const revision = revisionName(set);
  const updated = active.filter((pod) => pod.metadata?.labels?.[REVISION_LABEL] === revision);
  const before = active.find((pod) => !updated.includes(pod))?.metadata?.labels?.[REVISION_LABEL];
  const ready = active.filter(isReady).length;
  return {
    observedGeneration: set.metadata?.generation ?? 0,
    replicas: active.length,
    readyReplicas: ready,
    availableReplicas: ready,
    currentReplicas: before === undefined ? updated.length : active.length - updated.length,
    updatedReplicas: updated.length,
    currentRevision: before ?? revision,
    updateRevision: revision,
  };
}
