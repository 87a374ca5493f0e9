import assert from 'node:assert/strict';
import { test } from 'node:test';
import { availableIn, soonest } from './availability.ts';
import { addNode, eventually, startControlPlane } from './testing/control-plane.ts';

test('a ReplicationController keeps its pods, and takes them along', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  const key = { name: 'old', namespace: 'default' };
  const template = { metadata: { labels: { app: 'old' } }, spec: { containers: [{ name: 'c', image: 'one' }] } };
  await client.create('ReplicationController', { metadata: key, spec: { replicas: 2, template } });
  const ready = async () => (await client.get('ReplicationController', key))?.status?.readyReplicas;
  await eventually('two ready pods', async () => (await ready()) === 2);
  const { items } = await client.list('Pod', { namespace: 'default', labelSelector: 'app=old' });
  const owners = items.flatMap(({ metadata }) => metadata?.ownerReferences ?? []);
  assert.deepEqual(
    owners.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`),
    Array(2).fill('v1 ReplicationController'),
  );
  await client.delete('ReplicationController', key, { propagationPolicy: 'Foreground' });
  await eventually('the end', async () => !(await client.get('ReplicationController', key)));
  assert.deepEqual((await client.list('Pod', { namespace: 'default' })).items, []);
});

test('a pod is available after it was ready for long enough', () => {
  const since = Date.parse('2030-01-01T00:00:00Z');
  const pod = (status: string) => ({
    status: { conditions: [{ type: 'Ready', status, lastTransitionTime: '2030-01-01T00:00:00Z' }] },
  });
  assert.equal(availableIn(pod('False'), 10, since), undefined);
  assert.equal(availableIn(pod('True'), 0, since), 0);
  assert.equal(availableIn(pod('True'), 10, since + 4000), 6000);
  assert.equal(availableIn(pod('True'), 10, since + 40_000), 0);
  assert.equal(soonest([undefined, 0, 6000, 5000]), 5000);
});
