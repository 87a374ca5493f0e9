import type { ObjectOf } from '@podwire/kube';
import { podFromTemplate, REVISION_LABEL } from '../pod-template.ts';
import { selectsNode } from '../scheduling/node-affinity.ts';
import { templateHash } from '../template-hash.ts';
import { tolerated } from '../toleration.ts';

type DaemonSet = ObjectOf<'DaemonSet'>;
type Node = ObjectOf<'Node'>;
type Pod = ObjectOf<'Pod'>;

/** Taints every daemon pod tolerates: it has to run where nothing else does yet. */
const TOLERATIONS = ['not-ready', 'unreachable', 'disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable']
  .map((name) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists' }))
  .concat({ key: 'node.kubernetes.io/network-unavailable', operator: 'Exists' });

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
