import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { ConfigMap, Event, Namespace, Secret, ServiceAccount } from 'kubernetes-types/core/v1.js';
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
