import { kindNamed } from '@podwire/kube';
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
