import type { ObjectOf } from '@podwire/kube';
import { availableIn, soonest } from '../availability.ts';
import { timeOf } from '../clock.ts';
import { isActive, isReady, nameOf } from '../context.ts';
import { resolveCount } from '../count.ts';
import { REVISION_LABEL } from '../pod-template.ts';
import { templateHash } from '../template-hash.ts';
import { isEligible } from './daemon-pod.ts';

type DaemonSet = ObjectOf<'DaemonSet'>;
type Node = ObjectOf<'Node'>;
type Pod = ObjectOf<'Pod'>;

export interface DaemonView {
  readonly nodes: readonly Node[];
  /** Those the set controls. */
  readonly pods: readonly Pod[];
  /** In ms since the epoch. */
  readonly now: number;
}

export interface DaemonPlan {
  /** Names of nodes that get a pod. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** In ms: when time alone may change the answer. */
  readonly next?: number;
}

/** How long, in ms, a pod that failed stays before it is replaced: one that fails at once must not keep the cluster busy. */
const FAILED_STAYS = 1000;

/** What an eligible node has of the set; `fresh` is of the present template, `old` of another. */
interface Place {
  readonly node: string;
  readonly isEmpty: boolean;
  readonly fresh?: Pod;
  readonly old?: Pod;
}

/**
 * One pod per eligible node. Pods of an older template go a few at a time: maxUnavailable of them before their successors
 * are made by the next pass, or, with maxSurge, so many after a successor is available; those that do not serve first.
 */
export function planDaemons(set: DaemonSet, view: DaemonView): DaemonPlan {
  const { nodes, pods, now } = view;
  const eligible = nodes
    .filter((node) => isEligible(set, node))
    .map(nameOf)
    .sort();
  const byNode = Map.groupBy(pods, ({ spec }) => spec?.nodeName ?? '');
  const isPlaced = new Set(eligible);
  const surplus = pods.filter(
    ({ metadata, spec }) => !metadata?.deletionTimestamp && !isPlaced.has(spec?.nodeName ?? ''),
  );
  const settled = eligible.map((node) => settle(set, node, { ...view, pods: byNode.get(node) ?? [] }));
  const places = settled.map(({ place }) => place);
  const update = updateStep(set, places, now);
  const next = soonest([
    ...settled.map(({ wait }) => wait),
    ...pods.filter(isActive).map((pod) => availableIn(pod, set.spec?.minReadySeconds, now)),
  ]);
  return {
    create: [...places.filter(({ isEmpty }) => isEmpty).map(({ node }) => node), ...update.create].sort(),
    remove: [...surplus, ...settled.flatMap(({ remove }) => remove), ...update.remove],
    ...(next === undefined ? {} : { next }),
  };
}

/** Without what is over or too much: one pod, or while it is surged one of each template. */
function settle(set: DaemonSet, node: string, { pods, now }: DaemonView) {
  const hash = templateHash(set.spec?.template);
  const staying = pods.filter(({ metadata }) => !metadata?.deletionTimestamp).toSorted(byAge);
  const over = staying.filter((pod) => !isActive(pod));
  const active = staying.filter(isActive);
  const fresh = active.find((pod) => isOf(pod, hash));
  const old = active.find((pod) => !isOf(pod, hash));
  const kept = surgeOf(set, 1) > 0 ? [fresh, old] : active.slice(0, 1);
  const waits = over.map((pod) => restOf(pod, now));
  return {
    place: {
      ...{ node, isEmpty: pods.length === 0 },
      ...(fresh && kept.includes(fresh) ? { fresh } : {}),
      ...(old && kept.includes(old) ? { old } : {}),
    } satisfies Place,
    remove: [...over.filter((_, i) => waits[i] === 0), ...active.filter((pod) => !kept.includes(pod))],
    wait: soonest(waits),
  };
}

function restOf({ metadata, status }: Pod, now: number): number {
  if (status?.phase !== 'Failed') return 0;
  const since = timeOf(metadata?.creationTimestamp) ?? 0;
  return Math.min(FAILED_STAYS, Math.max(0, since + FAILED_STAYS - now));
}

const isOf = ({ metadata }: Pod, hash: string): boolean => metadata?.labels?.[REVISION_LABEL] === hash;
const created = (pod: Pod): string => `${pod.metadata?.creationTimestamp ?? ''} ${nameOf(pod)}`;
const byAge = (a: Pod, b: Pod): number => (created(a) < created(b) ? -1 : 1);

/** Pods beyond one per node, of so many nodes. */
function surgeOf({ spec }: DaemonSet, nodes: number): number {
  return resolveCount(spec?.updateStrategy?.rollingUpdate?.maxSurge ?? 0, nodes, 'up');
}

function updateStep(set: DaemonSet, places: readonly Place[], now: number): DaemonPlan {
  if (set.spec?.updateStrategy?.type === 'OnDelete') return { create: [], remove: [] };
  const isAvailable = (pod: Pod | undefined): boolean =>
    pod !== undefined && availableIn(pod, set.spec?.minReadySeconds, now) === 0;
  const surge = surgeOf(set, places.length);
  return surge > 0 ? surgeStep(places, surge, isAvailable) : replaceStep(set, places, isAvailable);
}

type Test = (pod: Pod | undefined) => boolean;

/** The old pod goes first. */
function replaceStep(set: DaemonSet, places: readonly Place[], isAvailable: Test): DaemonPlan {
  const { maxUnavailable = 1 } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  const limit = Math.max(1, resolveCount(maxUnavailable, places.length, 'up'));
  const unavailable = places.filter(({ fresh, old }) => !isAvailable(fresh ?? old)).length;
  const old = places.flatMap((place) => place.old ?? []);
  const broken = old.filter((pod) => !isAvailable(pod));
  return { create: [], remove: [...broken, ...old.filter(isAvailable).slice(0, Math.max(0, limit - unavailable))] };
}

/** The new pod comes first: where the old one does not serve at once, elsewhere so many at a time. */
function surgeStep(places: readonly Place[], surge: number, isAvailable: Test): DaemonPlan {
  const alone = places.filter(({ fresh, old }) => old && !fresh);
  const doubled = places.filter(({ fresh, old }) => old && fresh);
  const remove = doubled.flatMap(({ fresh, old }) => (old && (isAvailable(fresh) || !isReady(old)) ? [old] : []));
  const waiting = doubled.filter(({ fresh }) => !isAvailable(fresh)).length;
  const broken = alone.filter(({ old }) => !isAvailable(old));
  const serving = alone.filter(({ old }) => isAvailable(old)).slice(0, Math.max(0, surge - waiting));
  return { create: [...broken, ...serving].map(({ node }) => node), remove };
}

export function daemonStatus(set: DaemonSet, { nodes, pods, now }: DaemonView) {
  const hash = templateHash(set.spec?.template);
  const eligible = new Set(nodes.filter((node) => isEligible(set, node)).map(nameOf));
  const active = pods.filter(isActive);
  const placed = active.filter((pod) => eligible.has(pod.spec?.nodeName ?? ''));
  const nodesOf = (list: readonly Pod[]) => new Set(list.map((pod) => pod.spec?.nodeName)).size;
  const available = nodesOf(placed.filter((pod) => availableIn(pod, set.spec?.minReadySeconds, now) === 0));
  return {
    currentNumberScheduled: nodesOf(placed),
    desiredNumberScheduled: eligible.size,
    numberMisscheduled: nodesOf(active.filter((pod) => !placed.includes(pod))),
    numberReady: nodesOf(placed.filter(isReady)),
    numberAvailable: available,
    numberUnavailable: eligible.size - available,
    updatedNumberScheduled: nodesOf(placed.filter((pod) => isOf(pod, hash))),
    observedGeneration: set.metadata?.generation ?? 0,
  };
}
