import { kindNamed } from '@podwire/kube';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import { SYSTEM_PRIORITY_CLASSES } from '../schema/policy-validation.ts';
import type { ApiObject } from '../seam.ts';
import type { Registry, WriteOptions } from './registry.ts';

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const OPTIONS: WriteOptions = { fieldValidation: 'Strict', dryRun: false, warn: () => {} };
const EVENT_LIFETIME = 60 * 60 * 1000;

/** The namespaces every cluster has. */
export async function createSystemNamespaces(registry: Registry): Promise<void> {
  const kind = kindNamed('Namespace');
  const missing = NAMESPACES.filter((name) => !registry.store.get('Namespace', name));
  await Promise.all(
    missing.map((name) => {
      const draft: ApiObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      return registry.create(kind, undefined, { draft, options: OPTIONS });
    }),
  );
}

/** The priorities every cluster has. */
export async function createPriorityClasses(registry: Registry): Promise<void> {
  const kind = kindNamed('PriorityClass');
  for (const [name, fields] of Object.entries(SYSTEM_PRIORITY_CLASSES)) {
    if (registry.store.get('PriorityClass', name)) continue;
    const draft = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name }, ...fields };
    await registry.create(kind, undefined, { draft, options: OPTIONS });
  }
}

/** Events live an hour, as in Kubernetes. */
export async function removeOldEvents(registry: Registry, now: number = Date.now()): Promise<void> {
  const kind = kindNamed('Event');
  for (const event of registry.store.list('Event')) {
    const { lastTimestamp, eventTime } = event as { lastTimestamp?: string | null; eventTime?: string | null };
    const at = Date.parse(lastTimestamp ?? eventTime ?? event.metadata.creationTimestamp ?? '');
    if (now - at < EVENT_LIFETIME) continue;
    const { namespace, name = '' } = event.metadata;
    await registry.remove({ kind, namespace, name }, {}, false).catch(() => {});
  }
}

export interface Advertised {
  /** Where pods reach this server. */
  readonly address: string;
  readonly port: number;
}

/** Service default/kubernetes at the first service address, and the endpoint behind it, as of now. */
export async function publishKubernetesService(
  registry: Registry,
  clusterIP: string,
  { address, port }: Advertised,
): Promise<void> {
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const metadata = { name: 'kubernetes', namespace: 'default' };
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  // A Service keeps its address when the configured range changes.
  const present = registry.store.get('Service', 'default/kubernetes')?.spec as ServiceSpec | undefined;
  await ensure(registry, 'Service', {
    metadata: { ...metadata, labels },
    spec: {
      clusterIP: present?.clusterIP ?? clusterIP,
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
    },
  });
  await ensure(registry, 'Endpoints', {
    metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  });
  await ensure(registry, 'EndpointSlice', {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: family,
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  });
}

type Part = Omit<ApiObject, 'apiVersion' | 'kind'> & Pick<ApiObject, 'metadata'>;

async function ensure(registry: Registry, name: 'Service' | 'Endpoints' | 'EndpointSlice', part: Part): Promise<void> {
  const kind = kindNamed(name);
  const draft = { ...part, apiVersion: kind.apiVersion, kind: name } as ApiObject;
  const { namespace, name: objectName = '' } = draft.metadata;
  const target = { kind, namespace, name: objectName };
  if (!registry.store.get(name, `${namespace}/${objectName}`))
    await registry.create(kind, namespace, { draft, options: OPTIONS });
  else await registry.update(target, draft, OPTIONS);
}
