import { type LabelSelector, selectorMatches } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { namespaceOf } from '../context.ts';
import { repels } from '../toleration.ts';
import { type ClusterView, livingPods, type NodeView } from './cluster-view.ts';
import { selectsNode } from './node-affinity.ts';

type Pod = ObjectOf<'Pod'>;
type Node = ObjectOf<'Node'>;
type Constraint = NonNullable<NonNullable<Pod['spec']>['topologySpreadConstraints']>[number];

interface Spread {
  readonly constraint: Constraint;
  /** Pods the constraint counts, by value of its key. */
  readonly counts: ReadonlyMap<string, number>;
  /** 1 if the pod itself is counted. */
  readonly self: number;
}

/** Why a node would make the pods spread too unevenly (DoNotSchedule); undefined: it would not. */
export function spreadRefusal(pod: Pod, view: ClusterView): (at: NodeView) => string | undefined {
  const spreads = spreadsOf(pod, view, 'DoNotSchedule');
  const words = "node(s) didn't match pod topology spread constraints";
  return ({ labels }) => {
    for (const { constraint, counts, self } of spreads) {
      const value = labels[constraint.topologyKey];
      if (value === undefined) return `${words} (missing required label)`;
      const fewest = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
      if ((counts.get(value) ?? 0) + self - fewest > constraint.maxSkew) return words;
    }
    return undefined;
  };
}

/** How many pods the constraints that are wishes only (ScheduleAnyway) count where the node is. */
export function spreadCrowd(pod: Pod, view: ClusterView): (at: NodeView) => number {
  const spreads = spreadsOf(pod, view, 'ScheduleAnyway');
  return ({ labels }) =>
    spreads.reduce((sum, { constraint, counts }) => sum + (counts.get(labels[constraint.topologyKey] ?? '') ?? 0), 0);
}

function spreadsOf(pod: Pod, view: ClusterView, when: string): Spread[] {
  const all = pod.spec?.topologySpreadConstraints ?? [];
  const constraints = all.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when);
  if (constraints.length === 0) return [];
  const nodes = view.nodes.filter(({ labels }) => constraints.every(({ topologyKey }) => topologyKey in labels));
  return constraints.map((constraint) => {
    const counted = countedBy(constraint, pod);
    const counts = new Map<string, number>();
    for (const at of nodes.filter(({ node }) => isIncluded(node, constraint, pod))) {
      const value = at.labels[constraint.topologyKey] ?? '';
      const here = livingPods(at, namespaceOf(pod)).filter(counted).length;
      counts.set(value, (counts.get(value) ?? 0) + here);
    }
    return { constraint, counts, self: counted(pod) ? 1 : 0 };
  });
}

/** Whether a node counts: as a rule one that the pod may have by its affinity, whatever taints it has. */
function isIncluded(node: Node, { nodeAffinityPolicy, nodeTaintsPolicy }: Constraint, pod: Pod): boolean {
  if (nodeAffinityPolicy !== 'Ignore' && !selectsNode(pod.spec ?? {}, node)) return false;
  return nodeTaintsPolicy !== 'Honor' || !(node.spec?.taints ?? []).some((taint) => repels(taint, pod));
}

/** Pods the selector selects that have the same values of matchLabelKeys. */
function countedBy({ labelSelector, matchLabelKeys = [] }: Constraint, pod: Pod): (other: Pod) => boolean {
  if (!labelSelector) return () => false;
  const own = pod.metadata?.labels ?? {};
  return ({ metadata }) =>
    selectorMatches(labelSelector as LabelSelector, metadata?.labels) &&
    matchLabelKeys.every((key) => own[key] === undefined || metadata?.labels?.[key] === own[key]);
}
