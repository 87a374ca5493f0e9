import type { ObjectOf } from '@podwire/kube';
import { controllerOf, isActive } from './context.ts';
import { ClusterView, type NodeView } from './scheduling/cluster-view.ts';
import { nodePreference } from './scheduling/node-affinity.ts';
import { podPreference } from './scheduling/pod-affinity.ts';
import { claimsOf } from './scheduling/pod-claims.ts';
import { type Refusal, refusalsOf } from './scheduling/refusal.ts';
import { spreadCrowd } from './scheduling/topology-spread.ts';
import { tolerated } from './toleration.ts';

type Pod = ObjectOf<'Pod'>;
type Node = ObjectOf<'Node'>;

export type Placement =
  | { readonly node: string }
  | {
      /** With what preemption of others would do. */
      readonly refused: string;
      /** Without. */
      readonly reasons: string;
    };

/** As placeIn, for one pod among these nodes and pods; without labels of namespaces. */
export function placePod(pod: Pod, nodes: readonly Node[], pods: readonly Pod[]): Placement {
  return placeIn(pod, new ClusterView(nodes, pods));
}

/**
 * The node for a pod. Out are nodes that are cordoned, tainted beyond the pod's tolerations or not ready, that its node
 * selector or affinity does not select, and those without the ports, resources, volumes, neighbours or balance it asks
 * for. Of the others: the one it was promised, least unwanted (PreferNoSchedule), most wanted by affinity, best spread,
 * fewest pods of the same owner, fewest pods, by name.
 */
export function placeIn(pod: Pod, view: ClusterView): Placement {
  const refusalAt = refusalsOf(pod, view);
  const refusals: Refusal[] = [];
  const fitting = view.nodes.filter((at) => {
    const refusal = refusalAt(at);
    if (refusal) refusals.push(refusal);
    return !refusal;
  });
  const rankAt = rankOf(pod, view);
  const ranked = fitting.map((at) => ({ at, rank: rankAt(at) })).sort((a, b) => compare(a.rank, b.rank));
  const [best] = ranked;
  return best ? { node: best.at.name } : refusal(pod, view, refusals);
}

type Rank = readonly (number | string)[];

/** Least first. */
function rankOf(pod: Pod, view: ClusterView): (at: NodeView) => Rank {
  const neighbours = podPreference(pod, view);
  const crowd = spreadCrowd(pod, view);
  const owner = controllerOf(pod)?.uid;
  return (at) => {
    const active = at.pods.filter(isActive);
    const taints = at.node.spec?.taints ?? [];
    return [
      at.name === pod.status?.nominatedNodeName ? 0 : 1,
      taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !tolerated(pod, taint)).length,
      -(nodePreference(pod.spec ?? {}, at.node) + neighbours(at)),
      crowd(at),
      owner === undefined ? 0 : active.filter((other) => controllerOf(other)?.uid === owner).length,
      active.length,
      at.name,
    ];
  };
}

function compare(a: Rank, b: Rank): number {
  for (const [index, mine] of a.entries()) {
    const other = b[index] ?? mine;
    if (mine !== other) return mine < other ? -1 : 1;
  }
  return 0;
}

/** As the event FailedScheduling says it. */
function refusal(pod: Pod, view: ClusterView, refusals: readonly Refusal[]): Placement {
  const nodes = view.nodes.length;
  const none = 'no nodes available to schedule pods';
  if (nodes === 0) return { refused: none, reasons: none };
  const available = (why: string): string => `0/${nodes} nodes are available: ${why}.`;
  const preemption = refusals.map(({ isCrowded }) =>
    isCrowded ? 'No preemption victims found for incoming pod' : 'Preemption is not helpful for scheduling',
  );
  const ofAll = claimsOf(pod, view.storage).refused;
  const reasons = available(ofAll ?? counted(refusals.flatMap((one) => one.reasons)));
  const isAllowed = pod.spec?.preemptionPolicy !== 'Never';
  const hope = isAllowed ? available(counted(preemption)) : 'not eligible due to preemptionPolicy=Never.';
  return { refused: `${reasons} preemption: ${hope}`, reasons };
}

/** `2 of these, 1 of those`, in the order of the text. */
function counted(lines: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  const texts = [...counts].map(([line, count]) => `${count} ${line}`);
  return texts.sort().join(', ');
}
