import type { Informers, ObjectOf } from '@podwire/kube';
import { controllerOf, type Meta, nameOf, namespaceOf } from '../context.ts';

type Pod = ObjectOf<'Pod'>;

const SCALED = ['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController'] as const;

interface Scaled extends Meta {
  readonly spec?: { readonly replicas?: number };
}

/** How many pods the workloads of these pods want in all; a string: the pod for which that cannot be said. */
export function scaleOf(informers: Informers, pods: readonly Pod[]): number | string {
  const workloads = new Map<string, number>();
  for (const pod of pods) {
    const workload = workloadOf(informers, pod);
    if (!workload) return `found no controllers for pod ${JSON.stringify(nameOf(pod))}`;
    workloads.set(workload.metadata?.uid ?? '', workload.spec?.replicas ?? 1);
  }
  return [...workloads.values()].reduce((sum, replicas) => sum + replicas, 0);
}

/** The Deployment rather than its ReplicaSet. */
function workloadOf(informers: Informers, object: Meta): Scaled | undefined {
  const owner = controllerOf(object);
  const kind = SCALED.find((one) => one === owner?.kind);
  const found: Scaled | undefined = kind && informers.of(kind).get(owner?.name ?? '', namespaceOf(object));
  if (!found || found.metadata?.uid !== owner?.uid) return undefined;
  return workloadOf(informers, found) ?? found;
}
