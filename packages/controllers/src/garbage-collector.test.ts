import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { silentLogger } from '@podwire/base';
import { createInformers, parseClusterConfig } from '@podwire/kube';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { startGarbageCollector } from './garbage-collector.ts';
import { COLLECTED } from './ownership.ts';

test('only what all of whose owners are gone is deleted, whatever kind the owners are of', async (t) => {
  const config = parseClusterConfig();
  const server = await startApiServer({ serviceCidrs: config.serviceCidrs, nodePortRange: config.nodePortRange });
  const client = server.client();
  const informers = createInformers(client);
  t.after(async () => {
    informers.stop();
    await server.close();
  });
  const metadata = { name: 'owner', namespace: 'default' };
  const map = await client.create('ConfigMap', { metadata });
  const node = await client.create('Node', { metadata: { name: 'owner' } });
  const owner = (kind: string, uid = 'gone', apiVersion = 'v1'): OwnerReference => ({
    ...{ kind, apiVersion, name: 'owner', uid },
  });
  const pods: Record<string, OwnerReference[]> = {
    'of-config-map': [owner('ConfigMap', map.metadata?.uid)],
    'of-node': [owner('Node', node.metadata?.uid)],
    'of-one-left': [owner('ReplicaSet', 'gone', 'apps/v1'), owner('Node', node.metadata?.uid)],
    'of-unknown-kind': [owner('Widget', 'gone', 'example.com/v1')],
    'of-unknown-group': [owner('ConfigMap', 'gone', 'example.com/v1')],
    'of-a-namesake': [owner('ConfigMap')],
    orphan: [owner('ReplicaSet', 'gone', 'apps/v1'), owner('Ingress', 'gone', 'networking.k8s.io/v1')],
  };
  for (const [name, ownerReferences] of Object.entries(pods))
    await client.create('Pod', {
      metadata: { name, namespace: 'default', ownerReferences },
      spec: { containers: [{ name: 'c', image: 'x' }] },
    });
  await Promise.all(COLLECTED.map((kind) => informers.of(kind).synced));
  const collector = startGarbageCollector({ client, informers, config, logger: silentLogger });
  t.after(() => void collector.stop());
  const left = async () => (await client.list('Pod')).items.map((pod) => pod.metadata?.name);
  for (let i = 0; i < 6000 && (await left()).length > 5; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(await left(), ['of-config-map', 'of-node', 'of-one-left', 'of-unknown-group', 'of-unknown-kind']);
});
