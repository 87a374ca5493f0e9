import type { ObjectOf } from '@podwire/kube';
import { isActive, isReady, nameOf } from './context.ts';
import { podFromTemplate, REVISION_LABEL } from './pod-template.ts';
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
  const first = set.spec?.ordinals?.start ?? 0;
  const wanted = Array.from({ length: set.spec?.replicas ?? 1 }, (_, i) => first + i);
  const byOrdinal = new Map(pods.flatMap((pod) => [[ordinalOf(set, pod), pod] as const]));
  const parallel = set.spec?.podManagementPolicy === 'Parallel';
  const finished = pods.filter((pod) => !isActive(pod) && !pod.metadata?.deletionTimestamp);
  const missing = wanted.filter((ordinal) => !byOrdinal.has(ordinal));
  const surplus = pods
    .filter((pod) => isActive(pod) && !wanted.includes(ordinalOf(set, pod) ?? -1))
    .toSorted((a, b) => (ordinalOf(set, b) ?? 0) - (ordinalOf(set, a) ?? 0));
  if (parallel && (missing.length > 0 || surplus.length > 0))
    return { create: missing, remove: [...finished, ...surplus] };
  const waiting = wanted.find((ordinal) => !serves(byOrdinal.get(ordinal)));
  if (waiting !== undefined) {
    const broken = byOrdinal.get(waiting);
    if (!broken) return { create: [waiting], remove: finished };
    return { create: [], remove: [...finished, ...(isActive(broken) && isOutdated(set, broken) ? [broken] : [])] };
  }
  if (surplus.length > 0) {
    const ending = pods.some((pod) => pod.metadata?.deletionTimestamp);
    return { create: [], remove: [...finished, ...(ending ? [] : surplus.slice(0, 1))] };
  }
  const outdated = wanted.toReversed().flatMap((ordinal) => byOrdinal.get(ordinal) ?? []);
  return { create: [], remove: [...finished, ...outdated.filter((pod) => isOutdated(set, pod)).slice(0, 1)] };
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
