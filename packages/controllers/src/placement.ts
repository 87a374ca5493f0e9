import type { ObjectOf } from '@podwire/kube';
import { controllerOf, isActive, nameOf } from './context.ts';

type Pod = ObjectOf<'Pod'>;
type Node = ObjectOf<'Node'>;

export type Placement = { readonly node: string } | { readonly refused: string };

/**
 * The node for a pod: fewest pods of the same owner first, then fewest pods, then by name. Nodes that are cordoned, not
 * ready, not selected or tainted beyond the pod's tolerations are out.
 */
export function placePod(pod: Pod, nodes: readonly Node[], pods: readonly Pod[]): Placement {
  const refusals = new Map<string, number>();
  const fitting = nodes.filter((node) => {
    const reason = refusal(pod, node);
    if (reason !== undefined) refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
    return reason === undefined;
  });
  if (fitting.length === 0) {
    const reasons = [...refusals].map(([reason, count]) => `${count} node(s) ${reason}`).sort();
    return { refused: `0/${nodes.length} nodes are available: ${reasons.join(', ') || 'there are no nodes'}.` };
  }
  const load = countLoad(pod, pods);
  const ranked = fitting.map((node) => ({
    name: nameOf(node),
    ...(load.get(nameOf(node)) ?? { siblings: 0, pods: 0 }),
  }));
  ranked.sort((a, b) => a.siblings - b.siblings || a.pods - b.pods || (a.name < b.name ? -1 : 1));
  return { node: ranked[0]?.name ?? '' };
}

function countLoad(pod: Pod, pods: readonly Pod[]): Map<string, { siblings: number; pods: number }> {
  const owner = controllerOf(pod)?.uid;
  const load = new Map<string, { siblings: number; pods: number }>();
  for (const other of pods) {
    const node = other.spec?.nodeName;
    if (node === undefined || !isActive(other)) continue;
    const { siblings, pods: count } = load.get(node) ?? { siblings: 0, pods: 0 };
    load.set(node, {
      siblings: siblings + (owner !== undefined && controllerOf(other)?.uid === owner ? 1 : 0),
      pods: count + 1,
    });
  }
  return load;
}

/** Why the pod cannot go there, in the real scheduler's words. */
function refusal(pod: Pod, node: Node): string | undefined {
  if (node.spec?.unschedulable) return 'were unschedulable';
  if (!node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')) return 'were not ready';
  const labels = node.metadata?.labels ?? {};
  if (Object.entries(pod.spec?.nodeSelector ?? {}).some(([key, value]) => labels[key] !== value))
    return "didn't match Pod's node affinity/selector";
  const taint = node.spec?.taints?.find((t) => t.effect !== 'PreferNoSchedule' && !tolerated(pod, t));
  return taint ? `had untolerated taint {${taint.key}: ${taint.value ?? ''}}` : undefined;
}

type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

type Toleration = NonNullable<NonNullable<Pod['spec']>['tolerations']>[number];

export function tolerated(pod: Pod, taint: Taint): boolean {
  return (pod.spec?.tolerations ?? []).some((toleration) => tolerates(toleration, taint));
}

export function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (!key) return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || (value ?? '') === (taint.value ?? ''));
}
