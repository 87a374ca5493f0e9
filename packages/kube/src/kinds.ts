import type {
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from 'kubernetes-types/admissionregistration/v1.js';
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { CronJob, Job } from 'kubernetes-types/batch/v1.js';
import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js';
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type {
  ComponentStatus,
  ConfigMap,
  Endpoints,
  Event,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { FlowSchema, PriorityLevelConfiguration } from 'kubernetes-types/flowcontrol/v1.js';
import type { Ingress, IngressClass, NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import type {
  IPAddress as IPAddressAlpha,
  ServiceCIDR as ServiceCIDRAlpha,
} from 'kubernetes-types/networking/v1alpha1.js';
import type { RuntimeClass } from 'kubernetes-types/node/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from 'kubernetes-types/rbac/v1.js';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js';
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
} from 'kubernetes-types/storage/v1.js';
import type { APIService } from './api-service.ts';
import type { ServiceExport, ServiceImport } from './multicluster.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from './mutating-policy.ts';

type InV1<T> = Omit<T, 'apiVersion'> & { apiVersion?: 'networking.k8s.io/v1' };
/** An address that is taken, named by itself, and who has it. */
export type IPAddress = InV1<IPAddressAlpha>;
/** Ranges that cluster addresses of Services come from, one per family. */
export type ServiceCIDR = InV1<ServiceCIDRAlpha>;

export * from './api-service.ts';
export * from './multicluster.ts';
export * from './mutating-policy.ts';
export type {
  CertificateSigningRequest,
  ClusterRole,
  ClusterRoleBinding,
  ComponentStatus,
  ConfigMap,
  ControllerRevision,
  CronJob,
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  CustomResourceDefinition,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  FlowSchema,
  HorizontalPodAutoscaler,
  Ingress,
  IngressClass,
  Job,
  Lease,
  LimitRange,
  MutatingWebhookConfiguration,
  Namespace,
  NetworkPolicy,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  PodTemplate,
  PriorityClass,
  PriorityLevelConfiguration,
  ReplicaSet,
  ReplicationController,
  ResourceQuota,
  Role,
  RoleBinding,
  RuntimeClass,
  Secret,
  Service,
  ServiceAccount,
  StatefulSet,
  StorageClass,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
  VolumeAttachment,
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
  Job: Job;
  CronJob: CronJob;
  Role: Role;
  ClusterRole: ClusterRole;
  RoleBinding: RoleBinding;
  ClusterRoleBinding: ClusterRoleBinding;
  PodDisruptionBudget: PodDisruptionBudget;
  PriorityClass: PriorityClass;
  ComponentStatus: ComponentStatus;
  LimitRange: LimitRange;
  PersistentVolume: PersistentVolume;
  PersistentVolumeClaim: PersistentVolumeClaim;
  PodTemplate: PodTemplate;
  ReplicationController: ReplicationController;
  ResourceQuota: ResourceQuota;
  ControllerRevision: ControllerRevision;
  HorizontalPodAutoscaler: HorizontalPodAutoscaler;
  StorageClass: StorageClass;
  CSIDriver: CSIDriver;
  CSINode: CSINode;
  CSIStorageCapacity: CSIStorageCapacity;
  VolumeAttachment: VolumeAttachment;
  CertificateSigningRequest: CertificateSigningRequest;
  APIService: APIService;
  FlowSchema: FlowSchema;
  PriorityLevelConfiguration: PriorityLevelConfiguration;
  RuntimeClass: RuntimeClass;
  ValidatingWebhookConfiguration: ValidatingWebhookConfiguration;
  MutatingWebhookConfiguration: MutatingWebhookConfiguration;
  ValidatingAdmissionPolicy: ValidatingAdmissionPolicy;
  ValidatingAdmissionPolicyBinding: ValidatingAdmissionPolicyBinding;
  MutatingAdmissionPolicy: MutatingAdmissionPolicy;
  MutatingAdmissionPolicyBinding: MutatingAdmissionPolicyBinding;
  CustomResourceDefinition: CustomResourceDefinition;
  ServiceExport: ServiceExport;
  ServiceImport: ServiceImport;
}

export type KindName = keyof ObjectTypes;
export type ObjectOf<K extends KindName> = ObjectTypes[K];

/** Names a kind among all kinds of a server: the kind itself for those of KINDS, `plural.group` for custom resources. */
export type KindId = KindName | `${string}.${string}`;

/** A kind of objects, where it lives in the API and what the API server does for it. */
export interface Kind {
  readonly id: KindId;
  /** Unique in its group only. */
  readonly kind: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** `v1` or `group/version`: the version objects are stored in. */
  readonly apiVersion: string;
  /** Further versions the kind is served in, written as apiVersion. */
  readonly otherVersions: readonly string[];
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** Groups of kinds for `kubectl get`: `all`, `api-extensions`. */
  readonly categories: readonly string[];
  readonly subresources: readonly Subresource[];
  /** metadata.generation counts the changes of what is asked for. */
  readonly hasGeneration: boolean;
  /** Only get and list are served; the server itself says what there is. */
  readonly isReadOnly: boolean;
}

/** Subresources of any kind; others belong to one kind each. */
export type Subresource = 'status' | 'scale';

/** A kind the typed clients know. */
export interface KnownKind extends Kind {
  readonly id: KindName;
  readonly kind: KindName;
}

type Row = readonly [
  kind: KindName,
  /** The stored version first. */
  apiVersions: string,
  plural: string,
  scope: 'namespaced' | 'cluster',
  shortNames?: string,
  /** Words: `all` and `api-extensions` categories, `status` and `scale` subresources, `generation`, `readonly`. */
  traits?: string,
];
const ROWS: readonly Row[] = [
  ['Pod', 'v1', 'pods', 'namespaced', 'po', 'all status'],
  ['Service', 'v1', 'services', 'namespaced', 'svc', 'all status'],
  ['Endpoints', 'v1', 'endpoints', 'namespaced', 'ep'],
  ['Node', 'v1', 'nodes', 'cluster', 'no', 'status'],
  ['Namespace', 'v1', 'namespaces', 'cluster', 'ns', 'status'],
  ['ConfigMap', 'v1', 'configmaps', 'namespaced', 'cm'],
  ['Secret', 'v1', 'secrets', 'namespaced'],
  ['ServiceAccount', 'v1', 'serviceaccounts', 'namespaced', 'sa'],
  ['Event', 'v1 events.k8s.io/v1', 'events', 'namespaced', 'ev'],
  ['ComponentStatus', 'v1', 'componentstatuses', 'cluster', 'cs', 'readonly'],
  ['LimitRange', 'v1', 'limitranges', 'namespaced', 'limits'],
  ['PersistentVolume', 'v1', 'persistentvolumes', 'cluster', 'pv', 'status'],
  ['PersistentVolumeClaim', 'v1', 'persistentvolumeclaims', 'namespaced', 'pvc', 'status'],
  ['PodTemplate', 'v1', 'podtemplates', 'namespaced', '', 'generation'],
  ['ReplicationController', 'v1', 'replicationcontrollers', 'namespaced', 'rc', 'all generation status scale'],
  ['ResourceQuota', 'v1', 'resourcequotas', 'namespaced', 'quota', 'status'],
  ['ControllerRevision', 'apps/v1', 'controllerrevisions', 'namespaced'],
  ['Deployment', 'apps/v1', 'deployments', 'namespaced', 'deploy', 'all generation status scale'],
  ['ReplicaSet', 'apps/v1', 'replicasets', 'namespaced', 'rs', 'all generation status scale'],
  ['DaemonSet', 'apps/v1', 'daemonsets', 'namespaced', 'ds', 'all generation status'],
  ['StatefulSet', 'apps/v1', 'statefulsets', 'namespaced', 'sts', 'all generation status scale'],
  [
    'HorizontalPodAutoscaler',
    'autoscaling/v2 autoscaling/v1',
    'horizontalpodautoscalers',
    'namespaced',
    'hpa',
    'all status',
  ],
  ['Job', 'batch/v1', 'jobs', 'namespaced', '', 'all generation status'],
  ['CronJob', 'batch/v1', 'cronjobs', 'namespaced', 'cj', 'all generation status'],
  ['EndpointSlice', 'discovery.k8s.io/v1', 'endpointslices', 'namespaced', '', 'generation'],
  ['Lease', 'coordination.k8s.io/v1', 'leases', 'namespaced'],
  [
    'Ingress',
    'networking.k8s.io/v1 extensions/v1beta1 networking.k8s.io/v1beta1',
    'ingresses',
    'namespaced',
    'ing',
    'generation status',
  ],
  ['IngressClass', 'networking.k8s.io/v1', 'ingressclasses', 'cluster', '', 'generation'],
  ['NetworkPolicy', 'networking.k8s.io/v1', 'networkpolicies', 'namespaced', 'netpol', 'generation'],
  ['ServiceCIDR', 'networking.k8s.io/v1', 'servicecidrs', 'cluster', '', 'status'],
  ['IPAddress', 'networking.k8s.io/v1', 'ipaddresses', 'cluster', 'ip'],
  ['RuntimeClass', 'node.k8s.io/v1', 'runtimeclasses', 'cluster'],
  ['PodDisruptionBudget', 'policy/v1', 'poddisruptionbudgets', 'namespaced', 'pdb', 'generation status'],
  ['Role', 'rbac.authorization.k8s.io/v1', 'roles', 'namespaced'],
  ['RoleBinding', 'rbac.authorization.k8s.io/v1', 'rolebindings', 'namespaced'],
  ['ClusterRole', 'rbac.authorization.k8s.io/v1', 'clusterroles', 'cluster'],
  ['ClusterRoleBinding', 'rbac.authorization.k8s.io/v1', 'clusterrolebindings', 'cluster'],
  ['PriorityClass', 'scheduling.k8s.io/v1', 'priorityclasses', 'cluster', 'pc', 'generation'],
  ['StorageClass', 'storage.k8s.io/v1', 'storageclasses', 'cluster', 'sc'],
  ['CSIDriver', 'storage.k8s.io/v1', 'csidrivers', 'cluster'],
  ['CSINode', 'storage.k8s.io/v1', 'csinodes', 'cluster'],
  ['CSIStorageCapacity', 'storage.k8s.io/v1', 'csistoragecapacities', 'namespaced'],
  ['VolumeAttachment', 'storage.k8s.io/v1', 'volumeattachments', 'cluster', '', 'status'],
  ['CertificateSigningRequest', 'certificates.k8s.io/v1', 'certificatesigningrequests', 'cluster', 'csr', 'status'],
  ['APIService', 'apiregistration.k8s.io/v1', 'apiservices', 'cluster', '', 'api-extensions status'],
  ['FlowSchema', 'flowcontrol.apiserver.k8s.io/v1', 'flowschemas', 'cluster', '', 'generation status'],
  [
    'PriorityLevelConfiguration',
    'flowcontrol.apiserver.k8s.io/v1',
    'prioritylevelconfigurations',
    'cluster',
    '',
    'generation status',
  ],
  [
    'ValidatingWebhookConfiguration',
    'admissionregistration.k8s.io/v1',
    'validatingwebhookconfigurations',
    'cluster',
    '',
    'api-extensions generation',
  ],
  [
    'MutatingWebhookConfiguration',
    'admissionregistration.k8s.io/v1',
    'mutatingwebhookconfigurations',
    'cluster',
    '',
    'api-extensions generation',
  ],
  [
    'ValidatingAdmissionPolicy',
    'admissionregistration.k8s.io/v1',
    'validatingadmissionpolicies',
    'cluster',
    '',
    'api-extensions generation status',
  ],
  [
    'ValidatingAdmissionPolicyBinding',
    'admissionregistration.k8s.io/v1',
    'validatingadmissionpolicybindings',
    'cluster',
    '',
    'api-extensions generation',
  ],
  [
    'MutatingAdmissionPolicy',
    'admissionregistration.k8s.io/v1 admissionregistration.k8s.io/v1beta1 admissionregistration.k8s.io/v1alpha1',
    'mutatingadmissionpolicies',
    'cluster',
    '',
    'api-extensions generation',
  ],
  [
    'MutatingAdmissionPolicyBinding',
    'admissionregistration.k8s.io/v1 admissionregistration.k8s.io/v1beta1 admissionregistration.k8s.io/v1alpha1',
    'mutatingadmissionpolicybindings',
    'cluster',
    '',
    'api-extensions generation',
  ],
  [
    'CustomResourceDefinition',
    'apiextensions.k8s.io/v1',
    'customresourcedefinitions',
    'cluster',
    'crd crds',
    'api-extensions generation status',
  ],
  // On other API servers these are custom resources, and not there unless somebody has defined them.
  [
    'ServiceExport',
    'multicluster.x-k8s.io/v1alpha1 multicluster.x-k8s.io/v1beta1',
    'serviceexports',
    'namespaced',
    'svcex svcexport',
    'generation status',
  ],
  [
    'ServiceImport',
    'multicluster.x-k8s.io/v1alpha1 multicluster.x-k8s.io/v1beta1',
    'serviceimports',
    'namespaced',
    'svcim svcimport',
    'generation status',
  ],
];

export const KINDS: readonly KnownKind[] = ROWS.map(knownKind);

function knownKind([kind, apiVersions, plural, scope, shortNames = '', traits = '']: Row): KnownKind {
  const [apiVersion = '', ...otherVersions] = apiVersions.split(' ');
  const words = traits.split(' ');
  return {
    id: kind,
    kind,
    ...parseApiVersion(apiVersion),
    apiVersion,
    otherVersions,
    plural,
    singular: kind.toLowerCase(),
    shortNames: shortNames ? shortNames.split(' ') : [],
    namespaced: scope === 'namespaced',
    categories: words.filter((word) => word === 'all' || word === 'api-extensions'),
    subresources: words.filter((word) => word === 'scale' || word === 'status'),
    hasGeneration: words.includes('generation'),
    isReadOnly: words.includes('readonly'),
  };
}

/** The parts of `group/version`, or of `v1` of the core group. */
export function parseApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const [group = '', version] = apiVersion.split('/');
  return version === undefined ? { group: '', version: group } : { group, version };
}

const BY_NAME = new Map(KINDS.map((k) => [k.kind, k]));

export function kindNamed(name: KindName): KnownKind {
  return BY_NAME.get(name) as KnownKind;
}
