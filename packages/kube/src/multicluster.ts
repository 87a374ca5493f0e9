import type { SessionAffinityConfig } from 'kubernetes-types/core/v1.js';
import type { Condition, ObjectMeta } from 'kubernetes-types/meta/v1.js';

/** On an EndpointSlice: the multi-cluster service it belongs to, which is the ServiceImport of that name. */
export const IMPORT_NAME_LABEL = 'multicluster.kubernetes.io/service-name';
/** On an EndpointSlice of a multi-cluster service: the cluster its endpoints are in. */
export const SOURCE_CLUSTER_LABEL = 'multicluster.kubernetes.io/source-cluster';

/**
 * Says that the Service of the same name and namespace is for all clusters of the set.
 *
 * @see https://github.com/kubernetes/enhancements/tree/master/keps/sig-multicluster/1645-multi-cluster-services-api
 */
export interface ServiceExport {
  readonly apiVersion?: 'multicluster.x-k8s.io/v1alpha1';
  readonly kind?: 'ServiceExport';
  metadata?: ObjectMeta;
  spec?: {
    exportedAnnotations?: Record<string, string>;
    exportedLabels?: Record<string, string>;
  };
  status?: {
    /** Types `Valid`, `Ready` and `Conflict`. */
    conditions?: Condition[];
  };
}

/** A service that clusters of the set export together, as this cluster sees it. */
export interface ServiceImport {
  readonly apiVersion?: 'multicluster.x-k8s.io/v1alpha1';
  readonly kind?: 'ServiceImport';
  metadata?: ObjectMeta;
  spec?: ServiceImportSpec;
  status?: {
    /** Which clusters export it, sorted by name. */
    clusters?: { cluster: string }[];
    /** Type `Ready`. */
    conditions?: Condition[];
  };
}

export interface ServiceImportSpec {
  type: 'ClusterSetIP' | 'Headless';
  ports: ServiceImportPort[];
  /** Where the service is reached in this cluster, at most one per family; none when Headless, or not yet. */
  ips?: string[];
  ipFamilies?: string[];
  /** `None` or `ClientIP`; absent: None. */
  sessionAffinity?: string;
  sessionAffinityConfig?: SessionAffinityConfig;
  internalTrafficPolicy?: string;
  trafficDistribution?: string;
}

/** Endpoints of the port are those of the port of the same name in the EndpointSlices. */
export interface ServiceImportPort {
  port: number;
  /** Absent: TCP. */
  protocol?: string;
  name?: string;
  appProtocol?: string;
}
