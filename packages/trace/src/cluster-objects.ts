import type {
  DaemonSet,
  Deployment,
  EndpointSlice,
  Endpoints,
  ManifestObject,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
  ReplicaSet,
  Service,
  ServiceExport,
  ServiceImport,
  StatefulSet,
} from '@podwire/kube';

/** What an explanation follows from, read from the API or made of manifests. */
export interface ClusterObjects {
  readonly pods: readonly Pod[];
  readonly services: readonly Service[];
  readonly imports: readonly ServiceImport[];
  /** Of Services and of ServiceImports. */
  readonly slices: readonly EndpointSlice[];
  readonly nodes: readonly Node[];
  readonly namespaces: readonly Namespace[];
  readonly policies: readonly NetworkPolicy[];
}

/** The kinds of a manifest that matter here; everything else is passed over. */
export interface ManifestObjects extends ClusterObjects {
  readonly exports: readonly ServiceExport[];
  /** Of Services without a selector. */
  readonly endpoints: readonly Endpoints[];
  readonly deployments: readonly Deployment[];
  readonly replicaSets: readonly ReplicaSet[];
  readonly statefulSets: readonly StatefulSet[];
  readonly daemonSets: readonly DaemonSet[];
}

const CLUSTER_SCOPED = ['Node', 'Namespace'];

/** Sorts manifests by kind; namespaced objects without a namespace are in `default`, as kubectl has it. */
export function sortManifests(objects: readonly ManifestObject[]): ManifestObjects {
  const ofKind = <T>(kind: string): T[] =>
    objects
      .filter((object) => object.kind === kind)
      .map((object) =>
        CLUSTER_SCOPED.includes(kind)
          ? object
          : { ...object, metadata: { ...object.metadata, namespace: object.metadata?.namespace ?? 'default' } },
      ) as unknown as T[];
  return {
    pods: ofKind('Pod'),
    services: ofKind('Service'),
    imports: ofKind('ServiceImport'),
    exports: ofKind('ServiceExport'),
    slices: ofKind('EndpointSlice'),
    endpoints: ofKind('Endpoints'),
    nodes: ofKind('Node'),
    namespaces: ofKind('Namespace'),
    policies: ofKind('NetworkPolicy'),
    deployments: ofKind('Deployment'),
    replicaSets: ofKind('ReplicaSet'),
    statefulSets: ofKind('StatefulSet'),
    daemonSets: ofKind('DaemonSet'),
  };
}

interface Named {
  readonly metadata?: { readonly namespace?: string; readonly name?: string };
}

export const keyOf = ({ metadata }: Named): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
export const nameOf = ({ metadata }: Named): string => metadata?.name ?? '';
