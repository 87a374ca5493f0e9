import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient, ObjectOf } from '@podwire/kube';
import { addNode, eventually, startControlPlane } from './testing/control-plane.ts';

const namespace = 'default';
const at = (name: string) => ({ namespace, name });
const pod = (name: string, spec: object = {}): ObjectOf<'Pod'> => ({
  metadata: at(name),
  spec: { containers: [{ name: 'c', image: 'one' }], ...spec },
});
const nodeOf = async (client: KubeClient, name: string) => (await client.get('Pod', at(name)))?.spec?.nodeName;
const scheduled = async (client: KubeClient, name: string) =>
  (await client.get('Pod', at(name)))?.status?.conditions?.find(({ type }) => type === 'PodScheduled');

test('a pod with gates waits until the last is taken off; pods of other schedulers are left to them', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  const gates = ['example.com/a', 'example.com/b'].map((name) => ({ name }));
  await client.create('Pod', pod('gated', { schedulingGates: gates }));
  await client.create('Pod', pod('foreign', { schedulerName: 'theirs' }));
  const waiting = await eventually('its condition', () => scheduled(client, 'gated'));
  assert.deepEqual([waiting.status, waiting.reason], ['False', 'SchedulingGated']);
  await client.patch('Pod', at('gated'), { spec: { schedulingGates: gates.slice(1) } });
  await client.create('Pod', pod('next'));
  await eventually('the next pod', () => nodeOf(client, 'next'));
  assert.equal(await nodeOf(client, 'gated'), undefined);
  await client.patch('Pod', at('gated'), { spec: { schedulingGates: null } });
  await eventually('its node', () => nodeOf(client, 'gated'));
  assert.equal(await nodeOf(client, 'foreign'), undefined);
});

test('who waits gets the room of a pod that is over, and a node whose taint goes', async (t) => {
  const { client } = await startControlPlane(t);
  const taints = [{ key: 'example.com/only', value: 'some', effect: 'NoSchedule' }];
  await addNode(client, 'small', { status: { allocatable: { pods: '1' } } });
  await addNode(client, 'tainted', { spec: { taints } });
  await client.create('Pod', pod('first'));
  await eventually('the first', async () => (await client.get('Pod', at('first')))?.status?.podIP);
  await client.create('Pod', pod('second'));
  const refusal = await eventually('a refusal', async () => (await scheduled(client, 'second'))?.message);
  const taint = '1 node(s) had untolerated taint {example.com/only: some}';
  assert.match(refusal, new RegExp(`^0/2 nodes are available: 1 Too many pods, ${taint.replace(/[()]/g, '\\$&')}`));
  await client.patch('Pod', at('first'), { status: { phase: 'Succeeded' } }, { subresource: 'status' });
  await eventually('its room', async () => (await nodeOf(client, 'second')) === 'small');
  await client.create('Pod', pod('third'));
  await eventually('another refusal', () => scheduled(client, 'third'));
  await client.patch('Node', { name: 'tainted' }, { spec: { taints: null } });
  await eventually('the other node', async () => (await nodeOf(client, 'third')) === 'tainted');
});
