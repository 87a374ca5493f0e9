import type { ObjectOf } from '@podwire/kube';
import { timeOf } from './clock.ts';
import { isReady, nameOf } from './context.ts';

type Pod = ObjectOf<'Pod'>;

/** Says of a pod what its end would cost: a number, the least go first. */
const COST = 'controller.kubernetes.io/pod-deletion-cost';
const PHASES = ['Pending', 'Unknown', 'Running'];

/**
 * The pods, those to be removed first at the front: without a node, not running, not ready, cheap, on nodes with many of
 * `related`, ready for a short time, often restarted, young.
 */
export function scaleDownOrder(pods: readonly Pod[], related: readonly Pod[] = pods): Pod[] {
  const crowd = new Map<string, number>();
  for (const { spec } of related) if (spec?.nodeName) crowd.set(spec.nodeName, (crowd.get(spec.nodeName) ?? 0) + 1);
  const ranked = pods.map((pod) => ({ pod, rank: rankOf(pod, crowd) }));
  return ranked
    .sort((a, b) => compare(a.rank, b.rank) || (nameOf(a.pod) < nameOf(b.pod) ? -1 : 1))
    .map(({ pod }) => pod);
}

/** The least goes first. */
function rankOf(pod: Pod, crowd: ReadonlyMap<string, number>): readonly number[] {
  const { metadata, spec, status } = pod;
  const phase = PHASES.indexOf(status?.phase ?? 'Pending');
  return [
    spec?.nodeName ? 1 : 0,
    phase < 0 ? PHASES.length : phase,
    isReady(pod) ? 1 : 0,
    Number.parseInt(metadata?.annotations?.[COST] ?? '', 10) || 0,
    -(crowd.get(spec?.nodeName ?? '') ?? 0),
    -(readySince(pod) ?? Number.MAX_SAFE_INTEGER),
    -Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    -(timeOf(metadata?.creationTimestamp as string | undefined) ?? Number.MAX_SAFE_INTEGER),
  ];
}

function readySince({ status }: Pod): number | undefined {
  return timeOf(status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
