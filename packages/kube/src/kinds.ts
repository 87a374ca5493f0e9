import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type {
  ConfigMap,
  Endpoints,
  Event,
  Namespace,
  Node,
  Pod,
  Secret,
  Service,
  ServiceAccount,
} from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass, NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import type {
  IPAddress as IPAddressAlpha,
  ServiceCIDR as ServiceCIDRAlpha,
} from 'kubernetes-types/networking/v1alpha1.js';

type InV1<T> = Omit<T, 'apiVersion'> & { apiVersion?: 'networking.k8s.io/v1' };
/** An address that is taken, named by itself, and who has it. */
export type IPAddress = InV1<IPAddressAlpha>;
/** Ranges that cluster addresses of Services come from, one per family. */
export type ServiceCIDR = InV1<ServiceCIDRAlpha>;

export type {
  ConfigMap,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  Ingress,
  IngressClass,
  Lease,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
  ReplicaSet,
  Secret,
  Service,
  ServiceAccount,
  StatefulSet,
};

/** Every kind podwire's own code reads or writes, by name; names are unique across groups here. */
interface ObjectTypes {
  Pod: Pod;
  Service: Service;
  Endpoints: Endpoints;
  EndpointSlice: EndpointSlice;
  Node: Node;
  Namespace: Namespace;
  ConfigMap: ConfigMap;
  Secret: Secret;
  ServiceAccount: ServiceAccount;
  Event: Event;
  Lease: Lease;
  Deployment: Deployment;
  ReplicaSet: ReplicaSet;
  DaemonSet: DaemonSet;
  StatefulSet: StatefulSet;
  Ingress: Ingress;
  IngressClass: IngressClass;
  NetworkPolicy: NetworkPolicy;
  ServiceCIDR: ServiceCIDR;
  IPAddress: IPAddress;
}

export type KindName = keyof ObjectTypes;
export type ObjectOf<K extends KindName> = ObjectTypes[K];

/** Where a kind lives in the API. */
export interface Kind {
  readonly kind: KindName;
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** `v1` or `group/version`. */
  readonly apiVersion: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** In the category `all`, which `kubectl get all` reads. */
  readonly inAll: boolean;
}

type Row = readonly [
  kind: KindName,
  apiVersion: string,
  plural: string,
  scope: 'namespaced' | 'cluster',
  shortNames?: string,
  inAll?: 'all',
];
const ROWS: readonly Row[] = [
  ['Pod', 'v1', 'pods', 'namespaced', 'po', 'all'],
  ['Service', 'v1', 'services', 'namespaced', 'svc', 'all'],
  ['Endpoints', 'v1', 'endpoints', 'namespaced', 'ep'],
  ['Node', 'v1', 'nodes', 'cluster', 'no'],
  ['Namespace', 'v1', 'namespaces', 'cluster', 'ns'],
  ['ConfigMap', 'v1', 'configmaps', 'namespaced', 'cm'],
  ['Secret', 'v1', 'secrets', 'namespaced'],
  ['ServiceAccount', 'v1', 'serviceaccounts', 'namespaced', 'sa'],
  ['Event', 'v1', 'events', 'namespaced', 'ev'],
  ['Deployment', 'apps/v1', 'deployments', 'namespaced', 'deploy', 'all'],
  ['ReplicaSet', 'apps/v1', 'replicasets', 'namespaced', 'rs', 'all'],
  ['DaemonSet', 'apps/v1', 'daemonsets', 'namespaced', 'ds', 'all'],
  ['StatefulSet', 'apps/v1', 'statefulsets', 'namespaced', 'sts', 'all'],
  ['EndpointSlice', 'discovery.k8s.io/v1', 'endpointslices', 'namespaced'],
  ['Lease', 'coordination.k8s.io/v1', 'leases', 'namespaced'],
  ['Ingress', 'networking.k8s.io/v1', 'ingresses', 'namespaced', 'ing'],
  ['IngressClass', 'networking.k8s.io/v1', 'ingressclasses', 'cluster'],
  ['NetworkPolicy', 'networking.k8s.io/v1', 'networkpolicies', 'namespaced', 'netpol'],
  ['ServiceCIDR', 'networking.k8s.io/v1', 'servicecidrs', 'cluster'],
  ['IPAddress', 'networking.k8s.io/v1', 'ipaddresses', 'cluster', 'ip'],
];

export const KINDS: readonly Kind[] = ROWS.map(([kind, apiVersion, plural, scope, shortNames = '', inAll]) => {
  const [group = '', version = apiVersion] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return {
    kind,
    group,
    version,
    apiVersion,
    plural,
    singular: kind.toLowerCase(),
    shortNames: shortNames ? shortNames.split(' ') : [],
    namespaced: scope === 'namespaced',
    inAll: inAll === 'all',
  };
});

const BY_NAME = new Map(KINDS.map((k) => [k.kind, k]));

export function kindNamed(name: KindName): Kind {
  return BY_NAME.get(name) as Kind;
}
