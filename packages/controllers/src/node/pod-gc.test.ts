import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { nameOf } from '../context.ts';
import { addNode, eventually, startControlPlane } from '../testing/control-plane.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { surplus } from './pod-gc.ts';

const pod = (name: string, day: number, more: Partial<ObjectOf<'Pod'>> = {}): ObjectOf<'Pod'> => ({
  metadata: { name, creationTimestamp: `2030-01-0${day}T00:00:00Z` },
  status: { phase: 'Succeeded' },
  ...more,
});

test('of the pods that are over the oldest go when they are too many', () => {
  const going = { name: 'going', creationTimestamp: '2030-01-01T00:00:00Z', deletionTimestamp: '2030-01-02T00:00:00Z' };
  const pods = [
    ...[pod('c', 3), pod('a', 1, { status: { phase: 'Failed' } }), pod('b', 2), pod('d', 3)],
    ...[pod('runs', 1, { status: { phase: 'Running' } }), pod('going', 1, { metadata: going })],
  ];
  assert.deepEqual(surplus(pods, 2).map(nameOf), ['a', 'b']);
  assert.deepEqual(surplus(pods, 4), []);
});

test('a pod that ends is removed at once where nobody will: without a node, and on one that is out of service', async (t) => {
  const clock = new VirtualClock('2030-01-01T00:00:00Z');
  const { client } = await startControlPlane(t, clock);
  await addNode(client, 'dead', { status: { conditions: [{ type: 'Ready', status: 'False' }] } });
  const held = { finalizers: ['example.com/hold'] };
  const spec = { terminationGracePeriodSeconds: 3600, containers: [{ name: 'c', image: 'one' }] };
  const names = ['homeless', 'stuck'] as const;
  const at = (name: string) => ({ namespace: 'default', name });
  await client.create('Pod', { metadata: { ...at('homeless'), ...held }, spec: { ...spec, nodeName: '' } });
  await client.create('Pod', { metadata: { ...at('stuck'), ...held }, spec: { ...spec, nodeName: 'dead' } });
  for (const name of names) await client.delete('Pod', at(name));
  const grace = async (name: string) => (await client.get('Pod', at(name)))?.metadata?.deletionGracePeriodSeconds;
  const taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }];
  await client.patch('Node', { name: 'dead' }, { spec: { taints } });
  for (const name of names)
    await eventually(`no grace for ${name}`, async () => {
      clock.advance(20);
      return (await grace(name)) === 0;
    });
});
