import { type Amounts, type ObjectOf, podRequests } from '@podwire/kube';
import { conditionTaints } from '../node/node-taints.ts';
import { repels, tolerated } from '../toleration.ts';
import type { ClusterView, NodeView } from './cluster-view.ts';
import { hostPortsOf, portsCollide } from './host-ports.ts';
import { selectsNode } from './node-affinity.ts';
import { neighbourhoodOf } from './pod-affinity.ts';
import { claimsOf, isTaken, settle } from './pod-claims.ts';
import { spreadRefusal } from './topology-spread.ts';
import { volumeLimits } from './volume-limits.ts';

type Pod = ObjectOf<'Pod'>;

/** Why a pod cannot go to a node, in the words of Kubernetes' scheduler. */
export interface Refusal {
  readonly reasons: readonly string[];
  /** Fewer pods on the node would help. */
  readonly isCrowded: boolean;
}

const TAKEN = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode';
const UNSCHEDULABLE = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** The checks of this pod, each made ready once for all nodes; the first that a node fails tells. */
export function refusalsOf(pod: Pod, view: ClusterView): (at: NodeView) => Refusal | undefined {
  const requests = podRequests(pod);
  const ports = hostPortsOf(pod);
  const spread = spreadRefusal(pod, view);
  const neighbourhood = neighbourhoodOf(pod, view);
  const claims = claimsOf(pod, view.storage);
  if (claims.refused) return always(claims.refused);
  const taken = isTaken(pod, view);
  const overLimit = volumeLimits(pod, view.storage);
  return (at) => {
    const wrong = placeRefusal(pod, at);
    if (wrong !== undefined) return { reasons: [wrong], isCrowded: false };
    if (ports.some((port) => at.hostPorts.some((other) => portsCollide(port, other))))
      return { reasons: ["node(s) didn't have free ports for the requested pod ports"], isCrowded: true };
    const lacking = lackingResources(requests, at);
    if (lacking.length > 0) return { reasons: lacking, isCrowded: true };
    if (taken) return { reasons: [TAKEN], isCrowded: true };
    const settlement = settle(claims, at.node, view.storage);
    if (typeof settlement === 'string') return { reasons: [settlement], isCrowded: false };
    const tooMany = overLimit(at);
    if (tooMany !== undefined) return { reasons: [tooMany], isCrowded: true };
    const around = spread(at) ?? neighbourhood(at);
    return around === undefined ? undefined : { reasons: [around], isCrowded: !around.endsWith('label)') };
  };
}

function always(reason: string): () => Refusal {
  return () => ({ reasons: [reason], isCrowded: false });
}

/** What no other pod has to do with. */
function placeRefusal(pod: Pod, { node }: NodeView): string | undefined {
  if (node.spec?.unschedulable && !tolerated(pod, UNSCHEDULABLE)) return 'node(s) were unschedulable';
  const taints = [...(node.spec?.taints ?? []), ...conditionTaints(node)];
  const taint = taints.find((one) => repels(one, pod));
  if (taint) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  return selectsNode(pod.spec ?? {}, node) ? undefined : "node(s) didn't match Pod's node affinity/selector";
}

function lackingResources(requests: Amounts, { allocatable, requested, pods }: NodeView): string[] {
  if (!allocatable) return [];
  const lacking = pods.length + 1 > (allocatable.get('pods') ?? Number.POSITIVE_INFINITY) ? ['Too many pods'] : [];
  for (const [name, amount] of requests) {
    const free = (allocatable.get(name) ?? 0) - (requested.get(name) ?? 0);
    // Sums of fractions are never exact.
    if (amount > 0 && amount > free + 1e-9) lacking.push(`Insufficient ${name}`);
  }
  return lacking;
}
