import type { ObjectOf } from '@podwire/kube';
import { availableIn } from '../availability.ts';
import { isActive, isReady } from '../context.ts';
import { REVISION_LABEL } from '../pod-template.ts';
import { revisionName } from './stateful-pod.ts';

type StatefulSet = ObjectOf<'StatefulSet'>;
type Pod = ObjectOf<'Pod'>;

/** The current revision is that of the last update that reached all pods: those below the partition are of it. */
export function statefulStatus(set: StatefulSet, pods: readonly Pod[], now: number) {
  const active = pods.filter(isActive);
  const updateRevision = revisionName(set);
  const ofRevision = (name: string): number =>
    active.filter((pod) => pod.metadata?.labels?.[REVISION_LABEL] === name).length;
  const ready = active.filter(isReady).length;
  const updated = ofRevision(updateRevision);
  const isComplete = updated === active.length && ready === active.length;
  const before = set.status?.currentRevision || updateRevision;
  const currentRevision = isComplete ? updateRevision : before;
  return {
    observedGeneration: set.metadata?.generation ?? 0,
    replicas: active.length,
    readyReplicas: ready,
    availableReplicas: active.filter((pod) => availableIn(pod, set.spec?.minReadySeconds, now) === 0).length,
    currentReplicas: ofRevision(currentRevision),
    updatedReplicas: updated,
    currentRevision,
    updateRevision,
  };
}
