import type { ObjectOf } from '@podwire/kube';
import { timestamp } from '../clock.ts';
import { readyStatus } from './node-conditions.ts';

type Node = ObjectOf<'Node'>;
type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

const PREFIX = 'node.kubernetes.io/';
/** Conditions that, being true, keep new pods away. */
const BY_CONDITION: Readonly<Record<string, string>> = {
  MemoryPressure: 'memory-pressure',
  DiskPressure: 'disk-pressure',
  PIDPressure: 'pid-pressure',
  NetworkUnavailable: 'network-unavailable',
};
const OWN = new Set(
  [
    ...Object.values(BY_CONDITION).map((name) => `${name} NoSchedule`),
    ...['not-ready', 'unreachable'].flatMap((name) => [`${name} NoSchedule`, `${name} NoExecute`]),
    'unschedulable NoSchedule',
  ].map((name) => PREFIX + name),
);

const nameOf = ({ key, effect }: Taint): string => `${key} ${effect}`;

/** What keeps new pods away from a node as it is now, whether its taints say so already or not. */
export function conditionTaints(node: Node): Taint[] {
  const conditions = node.status?.conditions ?? [];
  const ready = readyStatus(node);
  const names = conditions.flatMap(({ type, status }) => (status === 'True' ? (BY_CONDITION[type] ?? []) : []));
  if (ready !== 'True') names.push(ready === 'Unknown' ? 'unreachable' : 'not-ready');
  if (node.spec?.unschedulable) names.push('unschedulable');
  return names.map((name) => ({ key: PREFIX + name, effect: 'NoSchedule' }));
}

export interface TaintView {
  readonly node: Node;
  /** When no node of the cluster is ready it is the network that is ill, and no pod is driven away. */
  readonly anyReady: boolean;
  readonly now: number;
}

/** Taints of a node by its conditions, after those of others; undefined: nothing changes. */
export function planTaints({ node, anyReady, now }: TaintView): readonly Taint[] | undefined {
  const present = node.spec?.taints ?? [];
  const ready = readyStatus(node);
  const wanted = conditionTaints(node);
  if (ready !== 'True' && anyReady) {
    const key = PREFIX + (ready === 'Unknown' ? 'unreachable' : 'not-ready');
    wanted.push({ key, effect: 'NoExecute', timeAdded: timestamp(now) });
  }
  const kept = present.filter(
    (taint) => !OWN.has(nameOf(taint)) || wanted.some((one) => nameOf(one) === nameOf(taint)),
  );
  const missing = wanted.filter((taint) => !present.some((one) => nameOf(one) === nameOf(taint)));
  return missing.length === 0 && kept.length === present.length ? undefined : [...kept, ...missing];
}
