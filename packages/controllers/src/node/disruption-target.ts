import type { ObjectOf } from '@podwire/kube';
import { timestamp } from '../clock.ts';

type Pod = ObjectOf<'Pod'>;

export interface Disruption {
  readonly reason: 'DeletionByTaintManager' | 'DeletionByPodGC' | 'PreemptionByScheduler';
  readonly message: string;
  readonly now: number;
}

/** A patch of the status that says why the cluster ends this pod. */
export function disruptionTarget({ metadata, status }: Pod, { reason, message, now }: Disruption) {
  const others = (status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
  const time = { lastProbeTime: null, lastTransitionTime: timestamp(now) };
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, ...time };
  return { metadata: { uid: metadata?.uid ?? '' }, status: { conditions: [...others, condition] } };
}
