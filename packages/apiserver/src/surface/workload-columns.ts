import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Node, PodTemplate, ReplicationController } from 'kubernetes-types/core/v1.js';
import { formatAge } from './age.ts';
import { type Column, count, formatLabels, formatSelector, NONE, templateColumns, text, wide } from './columns.ts';

export function age<T extends { readonly metadata?: { readonly creationTimestamp?: string } }>(): Column<T> {
  return text('Age', ({ metadata }, now) => formatAge(metadata?.creationTimestamp, now));
}

export const DEPLOYMENT_COLUMNS: readonly Column<Deployment>[] = [
  text('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`),
  count('Up-to-date', ({ status }) => status?.updatedReplicas),
  count('Available', ({ status }) => status?.availableReplicas),
  age(),
  ...templateColumns<Deployment>(),
  wide('Selector', ({ spec }) => formatSelector(spec?.selector)),
];

export const REPLICA_SET_COLUMNS: readonly Column<ReplicaSet>[] = [
  count('Desired', ({ spec }) => spec?.replicas ?? 1),
  count('Current', ({ status }) => status?.replicas),
  count('Ready', ({ status }) => status?.readyReplicas),
  age(),
  ...templateColumns<ReplicaSet>(),
  wide('Selector', ({ spec }) => formatSelector(spec?.selector)),
];

export const DAEMON_SET_COLUMNS: readonly Column<DaemonSet>[] = [
  count('Desired', ({ status }) => status?.desiredNumberScheduled),
  count('Current', ({ status }) => status?.currentNumberScheduled),
  count('Ready', ({ status }) => status?.numberReady),
  count('Up-to-date', ({ status }) => status?.updatedNumberScheduled),
  count('Available', ({ status }) => status?.numberAvailable),
  text('Node Selector', ({ spec }) => formatLabels(spec?.template.spec?.nodeSelector)),
  age(),
  ...templateColumns<DaemonSet>(),
  wide('Selector', ({ spec }) => formatSelector(spec?.selector)),
];

export const STATEFUL_SET_COLUMNS: readonly Column<StatefulSet>[] = [
  text('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}`),
  age(),
  ...templateColumns<StatefulSet>(),
];

export const REPLICATION_CONTROLLER_COLUMNS: readonly Column<ReplicationController>[] = [
  count('Desired', ({ spec }) => spec?.replicas ?? 1),
  count('Current', ({ status }) => status?.replicas),
  count('Ready', ({ status }) => status?.readyReplicas),
  age(),
  ...templateColumns<ReplicationController>(),
  wide('Selector', ({ spec }) => formatLabels(spec?.selector)),
];

export const POD_TEMPLATE_COLUMNS: readonly Column<PodTemplate>[] = [
  ...templateColumns<PodTemplate>(({ template }) => template?.spec).map((column) => ({ ...column, wide: false })),
  text('Pod Labels', ({ template }) => formatLabels(template?.metadata?.labels)),
];

export const CONTROLLER_REVISION_COLUMNS: readonly Column<ControllerRevision>[] = [
  text('Controller', ({ metadata }) => {
    const owner = metadata?.ownerReferences?.find(({ controller }) => controller);
    if (!owner) return NONE;
    const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
    return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
  }),
  count('Revision', ({ revision }) => revision),
  age(),
];

export const NODE_COLUMNS: readonly Column<Node>[] = [
  text('Status', nodeStatus),
  text('Roles', nodeRoles),
  age(),
  text('Version', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
  wide('Internal-IP', (node) => nodeAddress(node, 'InternalIP')),
  wide('External-IP', (node) => nodeAddress(node, 'ExternalIP')),
  wide('OS-Image', ({ status }) => status?.nodeInfo?.osImage || '<unknown>'),
  wide('Kernel-Version', ({ status }) => status?.nodeInfo?.kernelVersion || '<unknown>'),
  wide('Container-Runtime', ({ status }) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>'),
];

function nodeStatus({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const word = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return spec?.unschedulable ? `${word},SchedulingDisabled` : word;
}

function nodeRoles({ metadata }: Node): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.entries(metadata?.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return [key.slice(prefix.length)];
    return key === 'kubernetes.io/role' && value ? [value] : [];
  });
  return [...new Set(roles)].sort().join(',') || NONE;
}

function nodeAddress({ status }: Node, wanted: string): string {
  return status?.addresses?.find(({ type }) => type === wanted)?.address ?? NONE;
}
