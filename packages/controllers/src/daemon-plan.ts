import type { ObjectOf } from '@podwire/kube';
import { isActive, isReady, nameOf } from './context.ts';
import { podFromTemplate, REVISION_LABEL } from './pod-template.ts';
import { resolveCount, templateHash } from './rollout.ts';
import { selectsNode } from './scheduling/node-affinity.ts';
import { tolerated } from './toleration.ts';

type DaemonSet = ObjectOf<'DaemonSet'>;
type Node = ObjectOf<'Node'>;
type Pod = ObjectOf<'Pod'>;

/** Taints every daemon pod tolerates: it has to run where nothing else does yet. */
const TOLERATIONS = ['not-ready', 'unreachable', 'disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable']
  .map((name) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists' }))
  .concat({ key: 'node.kubernetes.io/network-unavailable', operator: 'Exists' });

export interface DaemonPlan {
  /** Names of nodes that get a pod. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
}

/** The set's pod for a node, placed already: the scheduler has no say in it. */
export function daemonPod(set: DaemonSet, node: string): Pod {
  const hash = templateHash(set.spec?.template);
  const pod = podFromTemplate(set, 'DaemonSet', { [REVISION_LABEL]: hash });
  const tolerations = [...(pod.spec?.tolerations ?? []), ...TOLERATIONS];
  return { ...pod, spec: { containers: [], ...pod.spec, nodeName: node, tolerations } };
}

/** Whether the node is one for this set: node selector, affinity and taints, but neither cordon nor readiness. */
export function isEligible(set: DaemonSet, node: Node): boolean {
  const { tolerations = [], ...spec } = set.spec?.template?.spec ?? {};
  if (!selectsNode(spec, node)) return false;
  const pod: Pod = { spec: { containers: [], tolerations: [...tolerations, ...TOLERATIONS] } };
  return (node.spec?.taints ?? []).every((taint) => taint.effect === 'PreferNoSchedule' || tolerated(pod, taint));
}

/**
 * One pod per eligible node. Pods of an older template go a few at a time (maxUnavailable, default 1), those that do
 * not serve first; the next pass makes their successors.
 */
export function planDaemons(set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]): DaemonPlan {
  const eligible = new Set(nodes.filter((node) => isEligible(set, node)).map(nameOf));
  const keep = new Map<string, Pod>();
  const remove: Pod[] = [];
  const byAge = pods.toSorted((a, b) => (created(a) < created(b) ? -1 : 1));
  for (const pod of byAge) {
    const node = pod.spec?.nodeName ?? '';
    if (pod.metadata?.deletionTimestamp) continue;
    if (!eligible.has(node) || !isActive(pod) || keep.has(node)) remove.push(pod);
    else keep.set(node, pod);
  }
  const going = new Set(pods.filter((pod) => pod.metadata?.deletionTimestamp).map((pod) => pod.spec?.nodeName));
  const create = [...eligible].filter((node) => !keep.has(node) && !going.has(node)).sort();
  return { create, remove: [...remove, ...outdated(set, [...keep.values()], eligible.size)] };
}

function created(pod: Pod): string {
  return `${pod.metadata?.creationTimestamp ?? ''} ${nameOf(pod)}`;
}

function outdated(set: DaemonSet, pods: readonly Pod[], wanted: number): Pod[] {
  if (set.spec?.updateStrategy?.type === 'OnDelete') return [];
  const hash = templateHash(set.spec?.template);
  const old = pods.filter((pod) => pod.metadata?.labels?.[REVISION_LABEL] !== hash);
  const limit = Math.max(1, resolveCount(set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, wanted, 'up'));
  const serving = old.filter(isReady);
  const unavailable = wanted - pods.filter(isReady).length;
  return [...old.filter((pod) => !isReady(pod)), ...serving.slice(0, Math.max(0, limit - unavailable))];
}

export function daemonStatus(set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]) {
  const hash = templateHash(set.spec?.template);
  const eligible = new Set(nodes.filter((node) => isEligible(set, node)).map(nameOf));
  const active = pods.filter(isActive);
  const placed = active.filter((pod) => eligible.has(pod.spec?.nodeName ?? ''));
  const nodesOf = (list: readonly Pod[]) => new Set(list.map((pod) => pod.spec?.nodeName)).size;
  const ready = nodesOf(placed.filter(isReady));
  return {
    currentNumberScheduled: nodesOf(placed),
    desiredNumberScheduled: eligible.size,
    numberMisscheduled: nodesOf(active) - nodesOf(placed),
    numberReady: ready,
    numberAvailable: ready,
    numberUnavailable: eligible.size - ready,
    updatedNumberScheduled: nodesOf(placed.filter((pod) => pod.metadata?.labels?.[REVISION_LABEL] === hash)),
    observedGeneration: set.metadata?.generation ?? 0,
  };
}
