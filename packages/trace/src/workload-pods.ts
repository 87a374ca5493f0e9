import { selectorMatches } from '@podwire/base';
import { daemonPod, isEligible, podFromTemplate } from '@podwire/controllers';
import type { Node, Pod } from '@podwire/kube';
import { keyOf, type ManifestObjects, nameOf } from './cluster-objects.ts';

/**
 * The pods a cluster would make of the workloads, with names that stay the same: `web-1`, `web-2` for Deployments and
 * ReplicaSets, `db-0` for StatefulSets, `log-node-1` for DaemonSets. A workload that the manifests hold pods of (a dump
 * of a running cluster) brings none.
 */
export function workloadPods(objects: ManifestObjects, nodes: readonly Node[]): Pod[] {
  const { deployments, replicaSets, statefulSets, daemonSets } = objects;
  const free = replicaSets.filter((set) => !set.metadata?.ownerReferences?.length);
  const replicas = [
    ...deployments.map((workload) => ({ workload, kind: 'Deployment', first: 1 }) as const),
    ...free.map((workload) => ({ workload, kind: 'ReplicaSet', first: 1 }) as const),
    ...statefulSets.map((workload) => ({ workload, kind: 'StatefulSet', first: 0 }) as const),
  ];
  return [
    ...replicas
      .filter(({ workload }) => !hasPods(workload, objects.pods))
      .flatMap(({ workload, kind, first }) =>
        Array.from({ length: workload.spec?.replicas ?? 1 }, (_, i) => {
          const owner = { ...workload, metadata: { ...workload.metadata, uid: `${kind}/${keyOf(workload)}` } };
          return named(podFromTemplate(owner, kind), `${nameOf(workload)}-${first + i}`);
        }),
      ),
    ...daemonSets
      .filter((set) => !hasPods(set, objects.pods))
      .flatMap((set) =>
        nodes
          .filter((node) => isEligible(set, node))
          .map((node) => named(daemonPod(set, nameOf(node)), `${nameOf(set)}-${nameOf(node)}`)),
      ),
  ];
}

function named({ metadata, ...rest }: Pod, name: string): Pod {
  return { ...rest, metadata: { ...metadata, name } };
}

type Workload = ManifestObjects['deployments' | 'replicaSets' | 'statefulSets' | 'daemonSets'][number];

function hasPods({ metadata, spec }: Workload, pods: readonly Pod[]): boolean {
  return pods.some(
    (pod) =>
      pod.metadata?.ownerReferences?.length &&
      pod.metadata.namespace === metadata?.namespace &&
      selectorMatches(spec?.selector ?? {}, pod.metadata.labels ?? {}),
  );
}
