import type { Kind, KindId, KindName, ObjectOf } from '@podwire/kube';
import type { CustomResources } from '../custom/custom-resources.ts';
import { printerColumns } from '../custom/printer-columns.ts';
import type { ApiObject, TableOptions } from '../seam.ts';
import { AUTOSCALER_COLUMNS } from './autoscaler-columns.ts';
import {
  API_SERVICE_COLUMNS,
  CERTIFICATE_REQUEST_COLUMNS,
  FLOW_SCHEMA_COLUMNS,
  PRIORITY_LEVEL_COLUMNS,
} from './certificate-columns.ts';
import { type Column, text } from './columns.ts';
import {
  COMPONENT_STATUS_COLUMNS,
  CONFIG_MAP_COLUMNS,
  EVENT_COLUMNS,
  LEASE_COLUMNS,
  LIMIT_RANGE_COLUMNS,
  NAMESPACE_COLUMNS,
  RESOURCE_QUOTA_COLUMNS,
  SECRET_COLUMNS,
  SERVICE_ACCOUNT_COLUMNS,
} from './config-columns.ts';
import {
  CSI_DRIVER_COLUMNS,
  CSI_NODE_COLUMNS,
  CSI_STORAGE_CAPACITY_COLUMNS,
  VOLUME_ATTACHMENT_COLUMNS,
} from './csi-columns.ts';
import {
  ADMISSION_POLICY_BINDING_COLUMNS,
  ADMISSION_POLICY_COLUMNS,
  CUSTOM_RESOURCE_DEFINITION_COLUMNS,
  MUTATING_POLICY_COLUMNS,
  RUNTIME_CLASS_COLUMNS,
  WEBHOOK_CONFIGURATION_COLUMNS,
} from './extension-columns.ts';
import {
  ENDPOINT_SLICE_COLUMNS,
  ENDPOINTS_COLUMNS,
  INGRESS_CLASS_COLUMNS,
  INGRESS_COLUMNS,
  IP_ADDRESS_COLUMNS,
  NETWORK_POLICY_COLUMNS,
  SERVICE_CIDR_COLUMNS,
  SERVICE_COLUMNS,
  SERVICE_IMPORT_COLUMNS,
} from './network-columns.ts';
import { POD_COLUMNS } from './pod-columns.ts';
import {
  CRON_JOB_COLUMNS,
  JOB_COLUMNS,
  POD_DISRUPTION_BUDGET_COLUMNS,
  PRIORITY_CLASS_COLUMNS,
} from './policy-columns.ts';
import { ROLE_BINDING_COLUMNS, ROLE_COLUMNS } from './rbac-columns.ts';
import {
  PERSISTENT_VOLUME_CLAIM_COLUMNS,
  PERSISTENT_VOLUME_COLUMNS,
  STORAGE_CLASS_COLUMNS,
} from './storage-columns.ts';
import {
  age,
  CONTROLLER_REVISION_COLUMNS,
  DAEMON_SET_COLUMNS,
  DEPLOYMENT_COLUMNS,
  NODE_COLUMNS,
  POD_TEMPLATE_COLUMNS,
  REPLICA_SET_COLUMNS,
  REPLICATION_CONTROLLER_COLUMNS,
  STATEFUL_SET_COLUMNS,
} from './workload-columns.ts';

const COLUMNS: { readonly [K in KindName]: readonly Column<ObjectOf<K>>[] } = {
  Pod: POD_COLUMNS,
  Service: SERVICE_COLUMNS,
  Endpoints: ENDPOINTS_COLUMNS,
  EndpointSlice: ENDPOINT_SLICE_COLUMNS,
  Node: NODE_COLUMNS,
  Namespace: NAMESPACE_COLUMNS,
  ConfigMap: CONFIG_MAP_COLUMNS,
  Secret: SECRET_COLUMNS,
  ServiceAccount: SERVICE_ACCOUNT_COLUMNS,
  Event: EVENT_COLUMNS,
  Lease: LEASE_COLUMNS,
  Deployment: DEPLOYMENT_COLUMNS,
  ReplicaSet: REPLICA_SET_COLUMNS,
  DaemonSet: DAEMON_SET_COLUMNS,
  StatefulSet: STATEFUL_SET_COLUMNS,
  Ingress: INGRESS_COLUMNS,
  IngressClass: INGRESS_CLASS_COLUMNS,
  NetworkPolicy: NETWORK_POLICY_COLUMNS,
  ServiceCIDR: SERVICE_CIDR_COLUMNS,
  IPAddress: IP_ADDRESS_COLUMNS,
  Job: JOB_COLUMNS,
  CronJob: CRON_JOB_COLUMNS,
  PodDisruptionBudget: POD_DISRUPTION_BUDGET_COLUMNS,
  PriorityClass: PRIORITY_CLASS_COLUMNS,
  Role: ROLE_COLUMNS,
  ClusterRole: ROLE_COLUMNS,
  RoleBinding: ROLE_BINDING_COLUMNS,
  ClusterRoleBinding: ROLE_BINDING_COLUMNS,
  ComponentStatus: COMPONENT_STATUS_COLUMNS,
  LimitRange: LIMIT_RANGE_COLUMNS,
  ResourceQuota: RESOURCE_QUOTA_COLUMNS,
  PersistentVolume: PERSISTENT_VOLUME_COLUMNS,
  PersistentVolumeClaim: PERSISTENT_VOLUME_CLAIM_COLUMNS,
  StorageClass: STORAGE_CLASS_COLUMNS,
  PodTemplate: POD_TEMPLATE_COLUMNS,
  ReplicationController: REPLICATION_CONTROLLER_COLUMNS,
  ControllerRevision: CONTROLLER_REVISION_COLUMNS,
  HorizontalPodAutoscaler: AUTOSCALER_COLUMNS,
  RuntimeClass: RUNTIME_CLASS_COLUMNS,
  CSIDriver: CSI_DRIVER_COLUMNS,
  CSINode: CSI_NODE_COLUMNS,
  CSIStorageCapacity: CSI_STORAGE_CAPACITY_COLUMNS,
  VolumeAttachment: VOLUME_ATTACHMENT_COLUMNS,
  CertificateSigningRequest: CERTIFICATE_REQUEST_COLUMNS,
  APIService: API_SERVICE_COLUMNS,
  FlowSchema: FLOW_SCHEMA_COLUMNS,
  PriorityLevelConfiguration: PRIORITY_LEVEL_COLUMNS,
  ValidatingWebhookConfiguration: WEBHOOK_CONFIGURATION_COLUMNS,
  MutatingWebhookConfiguration: WEBHOOK_CONFIGURATION_COLUMNS,
  ValidatingAdmissionPolicy: ADMISSION_POLICY_COLUMNS,
  ValidatingAdmissionPolicyBinding: ADMISSION_POLICY_BINDING_COLUMNS,
  MutatingAdmissionPolicy: MUTATING_POLICY_COLUMNS,
  MutatingAdmissionPolicyBinding: ADMISSION_POLICY_BINDING_COLUMNS,
  CustomResourceDefinition: CUSTOM_RESOURCE_DEFINITION_COLUMNS,
  ServiceExport: [age()],
  ServiceImport: SERVICE_IMPORT_COLUMNS,
};

const NAME: Column<ApiObject> = text('Name', ({ metadata }) => metadata.name ?? '');

function columnsOf(kind: KindId): readonly Column<ApiObject>[] {
  const own = (COLUMNS as unknown as Partial<Record<KindId, readonly Column<ApiObject>[]>>)[kind] ?? [age()];
  return own.some(({ name }) => name === 'Name') ? own : [NAME, ...own];
}

/** A meta.k8s.io/v1 Table: what `kubectl get` prints. */
export function tableOf(
  kind: Kind,
  objects: readonly ApiObject[],
  options: TableOptions,
  custom?: CustomResources,
): object {
  const version = custom?.definition(kind.id)?.versions.get(options.apiVersion ?? kind.apiVersion);
  const columns = version ? [NAME, ...printerColumns(version)] : columnsOf(kind.id);
  const now = Date.now();
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.listMeta,
    columnDefinitions: options.columns ? columns.map(definitionOf) : null,
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, now)),
      object: rowObject(object, options.includeObject),
    })),
  };
}

function definitionOf({ name, type, wide, priority, format, description }: Column<ApiObject>): object {
  return {
    name,
    type,
    format: format ?? (name === 'Name' ? 'name' : ''),
    description: description ?? '',
    priority: priority ?? (wide ? 1 : 0),
  };
}

function rowObject(object: ApiObject, include: TableOptions['includeObject']): object | null {
  if (include === 'None') return null;
  if (include === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}
