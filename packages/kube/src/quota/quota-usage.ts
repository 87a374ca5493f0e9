import type { ObjectOf } from '../kinds.ts';
import { isPodOver } from '../pod-phase.ts';
import { type Amounts, podRequests } from '../pod-requests.ts';
import { quantityValue } from '../quantity.ts';
import { isInScope } from './quota-scope.ts';

type Quota = ObjectOf<'ResourceQuota'>;

/** Core kinds that are counted by their plural alone. */
const COUNTED = new Set([
  ...['services', 'configmaps', 'secrets', 'persistentvolumeclaims', 'replicationcontrollers', 'resourcequotas'],
]);
const OF_SERVICES = new Set(['services.nodeports', 'services.loadbalancers']);
const OF_CLAIMS =
  /(^|\.storageclass\.storage\.k8s\.io\/)requests\.storage$|\.storageclass\.storage\.k8s\.io\/persistentvolumeclaims$/;
const OF_PODS = /^(pods|cpu|memory|ephemeral-storage|hugepages-.+|(requests|limits)\..+)$/;
/** Resources whose requests a quota may also name without saying that it means requests. */
const PLAIN = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;

/** Whose number or needs a name in `hard` limits, as `plural` or `plural.group`; undefined: nobody's. */
export function quotaSubject(name: string): string | undefined {
  if (name.startsWith('count/')) return name.slice('count/'.length);
  if (COUNTED.has(name)) return name;
  if (OF_SERVICES.has(name)) return 'services';
  if (OF_CLAIMS.test(name)) return 'persistentvolumeclaims';
  return OF_PODS.test(name) ? 'pods' : undefined;
}

/** Whether a quota is about this object at all; with scopes it is about pods only. */
export function isInQuota(quota: Quota, subject: string, object: object): boolean {
  const { scopes = [], scopeSelector } = quota.spec ?? {};
  if (scopes.length === 0 && !scopeSelector) return true;
  return subject === 'pods' && isInScope(quota, object);
}

/** Objects do not change, and are counted often. */
const known = new WeakMap<object, Amounts>();

/** What an object takes of quotas, by the names of `hard`. */
export function quotaUsage(subject: string, object: object): Amounts {
  const present = known.get(object);
  if (present) return present;
  const usage = new Map([[`count/${subject}`, 1]]);
  if (COUNTED.has(subject)) usage.set(subject, 1);
  if (subject === 'pods') addPod(usage, object);
  else if (subject === 'services') addService(usage, object);
  else if (subject === 'persistentvolumeclaims') addClaim(usage, object);
  known.set(object, usage);
  return usage;
}

const SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

/** As Kubernetes writes it: CPUs by thousandths, bytes by the largest unit they are a whole number of. */
export function formatQuotaAmount(name: string, amount: number): string {
  const rounded = Math.round(amount * 1e6) / 1e6;
  if (Number.isInteger(rounded) && !/memory$|storage$|hugepages-/.test(name)) return String(rounded);
  if (!Number.isInteger(rounded)) return `${Math.ceil(rounded * 1000)}m`;
  let [value, unit] = [rounded, 0];
  for (; value > 0 && value % 1024 === 0 && unit < SUFFIXES.length - 1; value /= 1024) unit++;
  return `${value}${SUFFIXES[unit]}`;
}

/** A pod that is over takes nothing but its place among objects. */
function addPod(usage: Map<string, number>, pod: ObjectOf<'Pod'>): void {
  if (isPodOver(pod)) return;
  usage.set('pods', 1);
  for (const [name, amount] of podRequests(pod)) {
    usage.set(`requests.${name}`, amount);
    if (PLAIN.test(name)) usage.set(name, amount);
  }
  for (const [name, amount] of podRequests(pod, 'limits')) usage.set(`limits.${name}`, amount);
}

function addService(usage: Map<string, number>, { spec }: ObjectOf<'Service'>): void {
  usage.set('services.nodeports', (spec?.ports ?? []).filter(({ nodePort }) => nodePort).length);
  usage.set('services.loadbalancers', spec?.type === 'LoadBalancer' ? 1 : 0);
}

function addClaim(usage: Map<string, number>, { spec }: ObjectOf<'PersistentVolumeClaim'>): void {
  const storage = quantityValue(spec?.resources?.requests?.storage ?? '0') || 0;
  usage.set('requests.storage', storage);
  if (!spec?.storageClassName) return;
  const ofClass = `${spec.storageClassName}.storageclass.storage.k8s.io/`;
  usage.set(`${ofClass}requests.storage`, storage);
  usage.set(`${ofClass}persistentvolumeclaims`, 1);
}
