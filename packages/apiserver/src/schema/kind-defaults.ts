import type { CSIDriver, KindId } from '@podwire/kube';
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { CronJob } from 'kubernetes-types/batch/v1.js';
import type {
  Event,
  LimitRange,
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodTemplate,
  ReplicationController,
  Secret,
  Service,
} from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import type { ClusterRoleBinding, RoleBinding } from 'kubernetes-types/rbac/v1.js';
import { defaultDriver } from './csi-validation.ts';
import type { JsonObject } from './decode.ts';
import { defaultJob, generateJobSelector, type JobV1 } from './job-defaults.ts';
import { defaultAutoscaler, defaultLimitRange, defaultReplicationController } from './object-defaults.ts';
import { defaultPod, defaultPodSpec } from './pod-defaults.ts';
import { defaultSubjects } from './rbac-validation.ts';
import { isExternal } from './service-validation.ts';

type Defaulter = (object: JsonObject) => void;

/** A decoded object has the shape of its kind, or decoding had failed. */
function of<T>(act: (object: T) => void): Defaulter {
  return (object) => act(object as T);
}

/** Defaults that depend on other fields; the fixed ones stand in the tables. */
const DEFAULTERS: Partial<Record<KindId, Defaulter>> = {
  Pod: of<Pod>(defaultPod),
  Deployment: of<Deployment>(({ spec }) => {
    defaultPodSpec(spec?.template?.spec);
    if (spec?.strategy?.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate = { maxSurge: '25%', maxUnavailable: '25%', ...spec.strategy.rollingUpdate };
    }
  }),
  ReplicaSet: of<ReplicaSet>(({ spec }) => defaultPodSpec(spec?.template?.spec)),
  DaemonSet: of<DaemonSet>(({ spec }) => {
    defaultPodSpec(spec?.template?.spec);
    if (spec?.updateStrategy?.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate = { maxSurge: 0, maxUnavailable: 1, ...spec.updateStrategy.rollingUpdate };
    }
  }),
  StatefulSet: of<StatefulSet>(({ spec }) => {
    defaultPodSpec(spec?.template?.spec);
    if (spec?.updateStrategy?.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate = { partition: 0, ...spec.updateStrategy.rollingUpdate };
    }
  }),
  Job: of<JobV1>(defaultJob),
  CronJob: of<CronJob>(({ spec }) => defaultPodSpec(spec?.jobTemplate?.spec?.template?.spec)),
  ReplicationController: of<ReplicationController>(defaultReplicationController),
  PodTemplate: of<PodTemplate>(({ template }) => defaultPodSpec(template?.spec)),
  LimitRange: of<LimitRange>(defaultLimitRange),
  HorizontalPodAutoscaler: of<HorizontalPodAutoscaler>(defaultAutoscaler),
  PersistentVolume: of<PersistentVolume>((volume) => {
    if (volume.spec?.hostPath) volume.spec.hostPath.type ??= '';
    Object.assign(volume, { status: { phase: 'Pending', ...volume.status } });
  }),
  PersistentVolumeClaim: of<PersistentVolumeClaim>((claim) => {
    Object.assign(claim, { status: { phase: 'Pending', ...claim.status } });
  }),
  CustomResourceDefinition: of<CustomResourceDefinition>(({ spec }) => {
    const { names } = spec ?? {};
    if (names?.kind) {
      names.singular ||= names.kind.toLowerCase();
      names.listKind ||= `${names.kind}List`;
    }
    if (spec) spec.conversion ??= { strategy: 'None' };
  }),
  RoleBinding: of<RoleBinding>(defaultSubjects),
  ClusterRoleBinding: of<ClusterRoleBinding>(defaultSubjects),
  Service: of<Service>((service) => {
    Object.assign(service, { status: { loadBalancer: {}, ...service.status } });
    defaultService(service);
  }),
  NetworkPolicy: of<NetworkPolicy>(({ spec }) => {
    if (!spec || spec.policyTypes?.length) return;
    spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  }),
  EndpointSlice: of<EndpointSlice>(({ ports }) => {
    for (const port of ports ?? []) port.name ??= '';
  }),
  CSIDriver: of<CSIDriver>(defaultDriver),
  Secret: of<Secret>(foldStringData),
  Event: of<Event>((event) => {
    event.source ??= {};
    event.reportingComponent ??= '';
    event.reportingInstance ??= '';
  }),
};

/** What only a new object gets. */
const CREATE_DEFAULTERS: Partial<Record<KindId, Defaulter>> = {
  Job: of<JobV1>(generateJobSelector),
  Namespace: of<Namespace>((namespace) => {
    namespace.spec = { finalizers: [...new Set([...(namespace.spec?.finalizers ?? []), 'kubernetes'])] };
    Object.assign(namespace, { status: { phase: 'Active', ...namespace.status } });
    const { name } = namespace.metadata ?? {};
    if (!namespace.metadata || !name) return;
    namespace.metadata.labels = { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': name };
  }),
};

/** Kinds whose defaults are written again into objects that have them: what is stored must be copied for them. */
export const REWRITTEN: ReadonlySet<KindId> = new Set<KindId>([
  'Service',
  'Deployment',
  'DaemonSet',
  'StatefulSet',
  'LimitRange',
  'HorizontalPodAutoscaler',
]);

export function hasKindDefaults(kind: KindId): boolean {
  return DEFAULTERS[kind] !== undefined;
}

export function applyKindDefaults(kind: KindId, object: JsonObject, creating: boolean): void {
  if (creating) CREATE_DEFAULTERS[kind]?.(object);
  DEFAULTERS[kind]?.(object);
}

function defaultService(service: Service): void {
  const spec = service.spec;
  if (!spec) return;
  const type = spec.type ?? 'ClusterIP';
  // As in Go, where the zero values of a number or a string are the same as none.
  for (const port of spec.ports ?? []) port.targetPort ||= port.port;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10800, ...spec.sessionAffinityConfig?.clientIP } };
  } else {
    delete spec.sessionAffinityConfig;
  }
  if (type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (isExternal(spec)) spec.externalTrafficPolicy ??= 'Cluster';
  if (type !== 'LoadBalancer') return;
  spec.allocateLoadBalancerNodePorts ??= true;
  const ingress: { ip?: string; ipMode?: string }[] = service.status?.loadBalancer?.ingress ?? [];
  for (const one of ingress) if (one.ip) one.ipMode ??= 'VIP';
}

/** stringData is write-only: what it holds goes into data. */
function foldStringData(secret: Secret): void {
  if (!secret.stringData) return;
  secret.data = { ...secret.data };
  for (const [key, text] of Object.entries(secret.stringData)) {
    secret.data[key] = btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  }
  delete secret.stringData;
}
