import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addNode, eventually, startControlPlane } from './testing/control-plane.ts';

test('a pod whose labels are taken off is let go and replaced; one that gets them is taken in', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'one' }] } };
  const spec = { replicas: 2, selector: { matchLabels: { app: 'web' } }, template };
  const set = await client.create('ReplicaSet', { metadata: { name: 'web', namespace: 'default' }, spec });
  const pods = async (labelSelector: string) =>
    (await client.list('Pod', { namespace: 'default', labelSelector })).items.map(({ metadata }) => metadata);
  await eventually('two pods', async () => (await pods('app=web')).length === 2);
  const [first] = await pods('app=web');
  const key = { namespace: 'default', name: first?.name ?? '' };
  await client.patch('Pod', key, { metadata: { labels: { app: 'quarantine' } } });
  await eventually('a successor', async () => (await pods('app=web')).length === 2);
  await eventually('its release', async () => (await pods('app=quarantine'))[0]?.ownerReferences === undefined);
  await client.patch('ReplicaSet', { namespace: 'default', name: 'web' }, { spec: { replicas: 3 } });
  await eventually('a third pod', async () => (await pods('app=web')).length === 3);
  await client.patch('Pod', key, { metadata: { labels: { app: 'web' } } });
  await eventually('one too many to go', async () => {
    const all = await pods('app=web');
    const owned = all.filter((pod) => pod?.ownerReferences?.[0]?.uid === set.metadata?.uid);
    return all.length === 3 && owned.length === 3;
  });
  assert.equal((await client.list('Pod', { namespace: 'default' })).items.length, 3);
});
