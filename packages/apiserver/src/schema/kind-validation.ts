import { isDeepStrictEqual } from 'node:util';
import type {
  APIService,
  CertificateSigningRequest,
  CSIDriver,
  CSINode,
  FlowSchema,
  IPAddress,
  KindId,
  PriorityLevelConfiguration,
  ServiceCIDR,
  ServiceImport,
  VolumeAttachment,
} from '@podwire/kube';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from 'kubernetes-types/admissionregistration/v1.js';
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { CronJob, Job } from 'kubernetes-types/batch/v1.js';
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type {
  ConfigMap,
  Endpoints,
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
} from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass, NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import type { RuntimeClass } from 'kubernetes-types/node/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from 'kubernetes-types/rbac/v1.js';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import {
  validateAdmissionPolicy,
  validateMutatingBinding,
  validateMutatingPolicy,
  validatePolicyBinding,
} from '../admission/policy-validation.ts';
import { validateDefinition, validateDefinitionUpdate } from '../custom/definition/definition-validation.ts';
import { BAD_CIDR, isCidr } from './addresses.ts';
import {
  apiServiceWarnings,
  validateApiService,
  validateFlowSchema,
  validatePriorityLevel,
} from './api-server-validation.ts';
import {
  validateDeployment,
  validatePodTemplate,
  validateSelectorUpdate,
  validateStatefulSetUpdate,
  validateWorkload,
} from './apps-validation.ts';
import { validateCronJob, validateJob, validateJobUpdate } from './batch-validation.ts';
import {
  validateCertificateRequest,
  validateCertificateRequestUpdate,
  validateNewCertificateRequest,
} from './certificate-validation.ts';
import {
  validateControllerRevision,
  validateControllerRevisionUpdate,
  validateReplicationController,
} from './controller-validation.ts';
import {
  validateAttachment,
  validateAttachmentUpdate,
  validateCsiNode,
  validateDriver,
  validateDriverUpdate,
} from './csi-validation.ts';
import type { JsonObject } from './decode.ts';
import { validateEndpointSlice, validateEndpoints } from './endpoint-validation.ts';
import { validateEphemeralUpdate } from './ephemeral-validation.ts';
import type { FieldErrors } from './field-errors.ts';
import { validateServiceImport } from './multicluster-validation.ts';
import { configKey, notNegative, qualifiedName } from './names.ts';
import { validateIngress, validateNetworkPolicy } from './networking-validation.ts';
import { validatePodResize } from './pod-resize-validation.ts';
import { validatePodUpdate } from './pod-update-validation.ts';
import { validatePodSpec } from './pod-validation.ts';
import {
  validatePodDisruptionBudget,
  validatePriorityClass,
  validatePriorityClassUpdate,
} from './policy-validation.ts';
import {
  validateClusterRole,
  validateClusterRoleBinding,
  validateRole,
  validateRoleBinding,
  validateRoleRefUpdate,
} from './rbac-validation.ts';
import {
  validateAutoscaler,
  validateLimitRange,
  validateResourceQuota,
  validateRuntimeClass,
  validateRuntimeClassUpdate,
} from './resource-validation.ts';
import {
  validateIpAddress,
  validateIpAddressUpdate,
  validateServiceCidr,
  validateServiceCidrUpdate,
} from './service-cidr-validation.ts';
import { validateServiceUpdate } from './service-update-validation.ts';
import { validateService } from './service-validation.ts';
import { serviceWarnings } from './service-warnings.ts';
import {
  validatePersistentVolume,
  validatePersistentVolumeClaim,
  validatePersistentVolumeClaimUpdate,
  validatePersistentVolumeUpdate,
  validateStorageClassUpdate,
} from './storage-validation.ts';
import { validateWebhooks } from './webhook-validation.ts';

type Validator = (object: JsonObject, errors: FieldErrors) => void;
type UpdateValidator = (next: JsonObject, old: JsonObject, errors: FieldErrors) => void;

/** A decoded object has the shape of its kind, or decoding had failed. */
function of<T>(check: (object: T, errors: FieldErrors) => void): Validator {
  return (object, errors) => check(object as T, errors);
}

function change<T>(check: (next: T, old: T, errors: FieldErrors) => void): UpdateValidator {
  return (next, old, errors) => check(next as T, old as T, errors);
}

const VALIDATORS: Partial<Record<KindId, Validator>> = {
  CustomResourceDefinition: of<CustomResourceDefinition>(validateDefinition),
  Pod: of<Pod>(({ spec }, errors) => {
    if (spec) validatePodSpec(spec, 'spec', errors);
    else errors.required('spec.containers');
  }),
  Service: of<Service>(validateService),
  Endpoints: of<Endpoints>(validateEndpoints),
  EndpointSlice: of<EndpointSlice>(validateEndpointSlice),
  Deployment: of<Deployment>((object, errors) => {
    validateWorkload(object, 'deployment', errors);
    validateDeployment(object, errors);
  }),
  ReplicaSet: of<ReplicaSet>((object, errors) => validateWorkload(object, 'replicaset', errors)),
  DaemonSet: of<DaemonSet>((object, errors) => validateWorkload(object, 'daemonset', errors)),
  StatefulSet: of<StatefulSet>((object, errors) => validateWorkload(object, 'statefulset', errors)),
  Ingress: of<Ingress>(validateIngress),
  IngressClass: of<IngressClass>(({ spec }, errors) => {
    if (!spec?.controller) errors.required('spec.controller');
  }),
  NetworkPolicy: of<NetworkPolicy>(validateNetworkPolicy),
  ReplicationController: of<ReplicationController>(validateReplicationController),
  ControllerRevision: of<ControllerRevision>(validateControllerRevision),
  PodTemplate: of<PodTemplate>(({ template }, errors) => validatePodTemplate(template, 'template', errors)),
  LimitRange: of<LimitRange>(validateLimitRange),
  ResourceQuota: of<ResourceQuota>(validateResourceQuota),
  PersistentVolume: of<PersistentVolume>(validatePersistentVolume),
  PersistentVolumeClaim: of<PersistentVolumeClaim>(validatePersistentVolumeClaim),
  HorizontalPodAutoscaler: of<HorizontalPodAutoscaler>(validateAutoscaler),
  RuntimeClass: of<RuntimeClass>(validateRuntimeClass),
  ValidatingWebhookConfiguration: of<ValidatingWebhookConfiguration>(validateWebhooks),
  MutatingWebhookConfiguration: of<MutatingWebhookConfiguration>(validateWebhooks),
  ValidatingAdmissionPolicy: of(validateAdmissionPolicy),
  ValidatingAdmissionPolicyBinding: of(validatePolicyBinding),
  MutatingAdmissionPolicy: of(validateMutatingPolicy),
  MutatingAdmissionPolicyBinding: of(validateMutatingBinding),
  Job: of<Job>(validateJob),
  CronJob: of<CronJob>(validateCronJob),
  PodDisruptionBudget: of<PodDisruptionBudget>(validatePodDisruptionBudget),
  PriorityClass: of<PriorityClass>(validatePriorityClass),
  Role: of<Role>(validateRole),
  ClusterRole: of<ClusterRole>(validateClusterRole),
  RoleBinding: of<RoleBinding>(validateRoleBinding),
  ClusterRoleBinding: of<ClusterRoleBinding>(validateClusterRoleBinding),
  CertificateSigningRequest: of<CertificateSigningRequest>(validateCertificateRequest),
  CSIDriver: of<CSIDriver>(validateDriver),
  CSINode: of<CSINode>(validateCsiNode),
  VolumeAttachment: of<VolumeAttachment>(validateAttachment),
  APIService: of<APIService>(validateApiService),
  FlowSchema: of<FlowSchema>(validateFlowSchema),
  PriorityLevelConfiguration: of<PriorityLevelConfiguration>(validatePriorityLevel),
  ServiceCIDR: of<ServiceCIDR>(validateServiceCidr),
  IPAddress: of<IPAddress>(validateIpAddress),
  ServiceImport: of<ServiceImport>(validateServiceImport),
  ConfigMap: of<ConfigMap>(({ data, binaryData }, errors) => validateKeys({ data, binaryData }, errors)),
  Secret: of<Secret>(validateSecret),
  Node: of<Node>(validateNode),
  Namespace: of<Namespace>(({ spec }, errors) => {
    for (const name of spec?.finalizers ?? []) errors.invalidEach('spec.finalizers', name, qualifiedName(name));
  }),
  Lease: of<Lease>(({ spec }, errors) => {
    const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec ?? {};
    if (duration !== undefined && duration <= 0) {
      errors.invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0');
    }
    if (transitions !== undefined) errors.invalidEach('spec.leaseTransitions', transitions, notNegative(transitions));
  }),
};

const UPDATE_VALIDATORS: Partial<Record<KindId, UpdateValidator>> = {
  CustomResourceDefinition: change<CustomResourceDefinition>(validateDefinitionUpdate),
  Pod: change<Pod>(validatePodUpdate),
  Service: change<Service>(validateServiceUpdate),
  ControllerRevision: change<ControllerRevision>(validateControllerRevisionUpdate),
  PersistentVolume: change<PersistentVolume>(validatePersistentVolumeUpdate),
  PersistentVolumeClaim: change<PersistentVolumeClaim>(validatePersistentVolumeClaimUpdate),
  StorageClass: change<StorageClass>(validateStorageClassUpdate),
  RuntimeClass: change<RuntimeClass>(validateRuntimeClassUpdate),
  Job: change<Job>(validateJobUpdate),
  PriorityClass: change<PriorityClass>(validatePriorityClassUpdate),
  RoleBinding: change<RoleBinding>(validateRoleRefUpdate),
  ClusterRoleBinding: change<ClusterRoleBinding>(validateRoleRefUpdate),
  CertificateSigningRequest: change<CertificateSigningRequest>(validateCertificateRequestUpdate),
  CSIDriver: change<CSIDriver>(validateDriverUpdate),
  VolumeAttachment: change<VolumeAttachment>(validateAttachmentUpdate),
  ServiceCIDR: change<ServiceCIDR>(validateServiceCidrUpdate),
  IPAddress: change<IPAddress>(validateIpAddressUpdate),
  Deployment: change<Deployment>(validateSelectorUpdate),
  ReplicaSet: change<ReplicaSet>(validateSelectorUpdate),
  DaemonSet: change<DaemonSet>(validateSelectorUpdate),
  StatefulSet: change<StatefulSet>(validateStatefulSetUpdate),
  ConfigMap: change<ConfigMap>(validateImmutable),
  Secret: change<Secret>((next, old, errors) => {
    if (old.type && next.type !== old.type) errors.invalid('type', next.type ?? '', 'field is immutable');
    validateImmutable(next, old, errors);
  }),
  EndpointSlice: change<EndpointSlice>((next, old, errors) => {
    if (next.addressType !== old.addressType) errors.invalid('addressType', next.addressType, 'field is immutable');
  }),
  IngressClass: change<IngressClass>((next, old, errors) => {
    const controller = next.spec?.controller;
    if (controller !== old.spec?.controller) errors.invalid('spec.controller', controller ?? '', 'field is immutable');
  }),
};

/** Of writes through subresources that have rules of their own. */
const PART_VALIDATORS: Readonly<Record<string, UpdateValidator>> = {
  ephemeralcontainers: change<Pod>(validateEphemeralUpdate),
  resize: change<Pod>(validatePodResize),
};

/** Whether the checks of a kind are not only of what its clients ask for. */
export function looksAtStatus(kind: KindId): boolean {
  return kind === 'Service' || kind === 'CertificateSigningRequest';
}

export function validateKind(kind: KindId, object: JsonObject, errors: FieldErrors): void {
  VALIDATORS[kind]?.(object, errors);
}

const WARNINGS: Partial<Record<KindId, (object: JsonObject) => readonly string[]>> = {
  Service: (object) => serviceWarnings(object as Service),
  APIService: (object) => apiServiceWarnings(object as APIService),
};

/** What is accepted with a Warning header. */
export function kindWarnings(kind: KindId, object: JsonObject): readonly string[] {
  return WARNINGS[kind]?.(object) ?? [];
}

/** What only a new object may not have. */
export function validateNew(kind: KindId, object: JsonObject, errors: FieldErrors): void {
  if (kind === 'Pod' && (object as Pod).spec?.ephemeralContainers?.length)
    errors.forbidden('spec.ephemeralContainers', 'cannot be set on create');
  if (kind === 'CertificateSigningRequest')
    validateNewCertificateRequest(object as unknown as CertificateSigningRequest, errors);
}

interface Update {
  readonly kind: KindId;
  readonly subresource?: string | undefined;
}

export function validateKindUpdate(
  { kind, subresource = '' }: Update,
  next: JsonObject,
  old: JsonObject,
  errors: FieldErrors,
): void {
  (PART_VALIDATORS[subresource] ?? UPDATE_VALIDATORS[kind])?.(next, old, errors);
}

const DATA_LIMIT = 1024 * 1024;

function validateKeys(parts: Record<string, Record<string, string> | undefined>, errors: FieldErrors): void {
  let size = 0;
  for (const [field, entries] of Object.entries(parts)) {
    for (const [key, value] of Object.entries(entries ?? {})) {
      errors.invalidEach(`${field}[${key}]`, key, configKey(key));
      size += value.length;
    }
  }
  if (size > DATA_LIMIT) errors.tooLong('[]', DATA_LIMIT);
}

/** Keys that a Secret of a type must have. */
const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

function validateSecret({ data, type = '' }: Secret, errors: FieldErrors): void {
  validateKeys({ data }, errors);
  for (const key of SECRET_KEYS[type] ?? []) {
    if (data?.[key] === undefined) errors.required(`data[${key}]`);
  }
}

function validateNode({ spec }: Node, errors: FieldErrors): void {
  spec?.podCIDRs?.forEach((cidr, index) => {
    if (!isCidr(cidr)) errors.invalid(`spec.podCIDRs[${index}]`, cidr, BAD_CIDR);
  });
  spec?.taints?.forEach(({ key }, index) => {
    if (key) errors.invalidEach(`spec.taints[${index}].key`, key, qualifiedName(key));
  });
}

function validateImmutable(next: ConfigMap | Secret, old: ConfigMap | Secret, errors: FieldErrors): void {
  if (!old.immutable) return;
  if (!next.immutable) errors.forbidden('immutable', 'field is immutable when `immutable` is set');
  for (const field of ['data', 'binaryData'] as const) {
    const [is, was] = [next, old].map((object) => ({ ...(object as ConfigMap)[field] }));
    if (!isDeepStrictEqual(is, was)) errors.forbidden(field, 'field is immutable when `immutable` is set');
  }
}
