import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type {
  ComponentStatus,
  ConfigMap,
  Event,
  LimitRange,
  Namespace,
  ResourceQuota,
  Secret,
  ServiceAccount,
} from 'kubernetes-types/core/v1.js';
import { formatAge } from './age.ts';
import { type Column, count, text, wide } from './columns.ts';
import { age } from './workload-columns.ts';

export const NAMESPACE_COLUMNS: readonly Column<Namespace>[] = [
  text('Status', ({ status }) => status?.phase ?? ''),
  age(),
];

export const CONFIG_MAP_COLUMNS: readonly Column<ConfigMap>[] = [
  count('Data', ({ data, binaryData }) => Object.keys({ ...data, ...binaryData }).length),
  age(),
];

export const SECRET_COLUMNS: readonly Column<Secret>[] = [
  text('Type', ({ type }) => type ?? ''),
  count('Data', ({ data }) => Object.keys(data ?? {}).length),
  age(),
];

export const SERVICE_ACCOUNT_COLUMNS: readonly Column<ServiceAccount>[] = [
  count('Secrets', ({ secrets }) => secrets?.length),
  age(),
];

export const LEASE_COLUMNS: readonly Column<Lease>[] = [
  text('Holder', ({ spec }) => spec?.holderIdentity ?? ''),
  age(),
];

export const LIMIT_RANGE_COLUMNS: readonly Column<LimitRange>[] = [
  text('Created At', ({ metadata }) => metadata?.creationTimestamp ?? ''),
];

export const RESOURCE_QUOTA_COLUMNS: readonly Column<ResourceQuota>[] = [
  text('Request', (quota) => usedOf(quota, false)),
  text('Limit', (quota) => usedOf(quota, true)),
  age(),
];

/** What is used of what is allowed, of limits or of all else. */
function usedOf({ status }: ResourceQuota, ofLimits: boolean): string {
  return Object.entries(status?.hard ?? {})
    .filter(([resource]) => resource.startsWith('limits.') === ofLimits)
    .map(([resource, hard]) => `${resource}: ${status?.used?.[resource] ?? 0}/${hard}`)
    .sort()
    .join(', ');
}

export const COMPONENT_STATUS_COLUMNS: readonly Column<ComponentStatus>[] = [
  text('Status', ({ conditions }) => {
    const healthy = conditions?.find(({ type }) => type === 'Healthy');
    return healthy ? (healthy.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown';
  }),
  text('Message', ({ conditions }) => conditions?.find(({ type }) => type === 'Healthy')?.message ?? ''),
  text('Error', ({ conditions }) => conditions?.find(({ type }) => type === 'Healthy')?.error ?? ''),
];

/** Events have their name last. */
export const EVENT_COLUMNS: readonly Column<Event>[] = [
  text('Last Seen', (event, now) => formatAge(lastSeen(event), now)),
  text('Type', ({ type }) => type ?? ''),
  text('Reason', ({ reason }) => reason ?? ''),
  text('Object', ({ involvedObject: { kind = '', name } }) =>
    name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase(),
  ),
  wide('Subobject', ({ involvedObject }) => involvedObject.fieldPath ?? ''),
  wide('Source', ({ source, reportingComponent }) => {
    const component = source?.component || reportingComponent || '';
    return source?.host ? `${component}, ${source.host}` : component;
  }),
  text('Message', ({ message }) => (message ?? '').trim()),
  wide('First Seen', ({ firstTimestamp, eventTime }, now) => formatAge(firstTimestamp ?? eventTime, now)),
  { ...count<Event>('Count', (event) => event.series?.count ?? event.count ?? 1), wide: true },
  wide('Name', ({ metadata }) => metadata.name ?? ''),
];

function lastSeen({ series, lastTimestamp, firstTimestamp, eventTime }: Event): string | undefined {
  return series?.lastObservedTime ?? lastTimestamp ?? firstTimestamp ?? eventTime;
}
