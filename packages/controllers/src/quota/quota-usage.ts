import { type ObjectOf, quantityValue } from '@podwire/kube';
import { requestsOf } from '../scheduling/pod-resources.ts';
import { isInScope } from './quota-scope.ts';

type Quota = ObjectOf<'ResourceQuota'>;
type Pod = ObjectOf<'Pod'>;

/** What there is in the namespace of a quota. */
export interface QuotaView {
  readonly pods: readonly Pod[];
  readonly services: readonly ObjectOf<'Service'>[];
  readonly claims: readonly ObjectOf<'PersistentVolumeClaim'>[];
  /** How many objects of `plural` or `plural.group`; undefined: no such kind. */
  readonly count: (resource: string) => number | undefined;
}

/** Kinds that are counted by their plural alone. */
const COUNTED = new Set([
  ...['services', 'configmaps', 'secrets', 'persistentvolumeclaims', 'replicationcontrollers', 'resourcequotas'],
]);

/** The status of a ResourceQuota; what nobody can count is not among what is used. */
export function quotaStatus(quota: Quota, view: QuotaView): NonNullable<Quota['status']> {
  const hard = quota.spec?.hard ?? {};
  const living = view.pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  const scoped = { ...view, pods: living.filter((pod) => isInScope(quota, pod)) };
  const used = Object.keys(hard).flatMap((resource) => {
    const amount = usedOf(resource, scoped);
    return amount === undefined ? [] : [[resource, formatAmount(resource, amount)] as const];
  });
  return { hard, used: Object.fromEntries(used) };
}

function usedOf(resource: string, { pods, services, claims, count }: QuotaView): number | undefined {
  if (resource === 'pods') return pods.length;
  if (resource === 'services.nodeports')
    return sum(services, ({ spec }) => (spec?.ports ?? []).filter(({ nodePort }) => nodePort).length);
  if (resource === 'services.loadbalancers')
    return sum(services, ({ spec }) => (spec?.type === 'LoadBalancer' ? 1 : 0));
  if (resource === 'requests.storage')
    return sum(claims, ({ spec }) => quantityValue(spec?.resources?.requests?.storage ?? '0') || 0);
  if (resource.startsWith('count/')) return count(resource.slice('count/'.length));
  if (COUNTED.has(resource)) return count(resource);
  const [, part = 'requests', name = ''] = /^(?:(requests|limits)\.)?(.+)$/.exec(resource) ?? [];
  const isComputed = part === 'limits' || resource !== name || name === 'cpu' || name === 'memory';
  return isComputed ? sum(pods, (pod) => requestsOf(pod, part as 'requests' | 'limits').get(name) ?? 0) : undefined;
}

function sum<T>(objects: readonly T[], amount: (object: T) => number): number {
  return objects.reduce((total, object) => total + amount(object), 0);
}

const SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

/** As Kubernetes writes it: CPUs by thousandths, bytes by the largest unit they are a whole number of. */
function formatAmount(resource: string, amount: number): string {
  if (Number.isInteger(amount) && !/memory$|storage$/.test(resource)) return String(amount);
  if (!Number.isInteger(amount)) return `${Math.ceil(amount * 1000 - 1e-6)}m`;
  let [value, unit] = [amount, 0];
  for (; value > 0 && value % 1024 === 0 && unit < SUFFIXES.length - 1; value /= 1024) unit++;
  return `${value}${SUFFIXES[unit]}`;
}
