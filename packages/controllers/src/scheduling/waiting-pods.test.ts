import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient, ObjectOf } from '@podwire/kube';
import { addNode, addStorageClass, eventually, startControlPlane } from '../testing/control-plane.ts';
import { SELECTED_NODE } from '../volumes/claim-plan.ts';

const namespace = 'default';
const at = (name: string) => ({ namespace, name });
const claim = (name: string, storageClassName?: string): ObjectOf<'PersistentVolumeClaim'> => ({
  metadata: at(name),
  spec: {
    ...{ accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    ...(storageClassName ? { storageClassName } : {}),
  },
});
const user = (name: string, claimName: string): ObjectOf<'Pod'> => ({
  metadata: at(name),
  spec: { containers: [{ name: 'c', image: 'one' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
});
const localVolume = (name: string, host: string): ObjectOf<'PersistentVolume'> => ({
  metadata: { name },
  spec: {
    ...{ accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, storageClassName: 'local' },
    local: { path: '/data' },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [host] }] }],
      },
    },
  },
});
const delayed = (name: string, provisioner: string): ObjectOf<'StorageClass'> => ({
  ...{ metadata: { name }, provisioner, volumeBindingMode: 'WaitForFirstConsumer' },
});

const pod = (name: string, spec: object = {}): ObjectOf<'Pod'> => ({
  metadata: at(name),
  spec: { containers: [{ name: 'c', image: 'one' }], ...spec },
});
const wait = (client: KubeClient, message: RegExp): Promise<unknown> =>
  eventually(String(message), async () => {
    const { items } = await client.list('Event', { namespace });
    return items.some((event) => message.test(`${event.involvedObject?.kind} ${event.reason}: ${event.message}`));
  });
const runs = (client: KubeClient, name: string): Promise<ObjectOf<'Pod'>> =>
  eventually(`${name} runs`, async () => {
    const pod = await client.get('Pod', at(name));
    return pod?.status?.podIP ? pod : undefined;
  });

test('a pod waits for its claims, and says so', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  await client.create('Pod', user('early', 'data'));
  await wait(client, /^Pod FailedScheduling: 0\/1 nodes are available: persistentvolumeclaim "data" not found\. pree/);
  await client.create('PersistentVolumeClaim', claim('data'));
  await wait(client, /^Pod FailedScheduling: .* pod has unbound immediate PersistentVolumeClaims\. preemption: 0\/1/);
  const [condition] = (await client.get('Pod', at('early')))?.status?.conditions ?? [];
  assert.deepEqual([condition?.type, condition?.status, condition?.reason], ['PodScheduled', 'False', 'Unschedulable']);
  await addStorageClass(client);
  await runs(client, 'early');
});

test('WaitForFirstConsumer: a volume is made when the pod has a node', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  await addStorageClass(client, { volumeBindingMode: 'WaitForFirstConsumer' });
  await client.create('PersistentVolumeClaim', claim('data'));
  await wait(
    client,
    /^PersistentVolumeClaim WaitForFirstConsumer: waiting for first consumer to be created before bin/,
  );
  assert.equal((await client.get('PersistentVolumeClaim', at('data')))?.status?.phase, 'Pending');
  await client.create('Pod', user('first', 'data'));
  const pod = await runs(client, 'first');
  assert.equal(pod.status?.nominatedNodeName, undefined);
  const { metadata, status } = (await client.get('PersistentVolumeClaim', at('data'))) ?? {};
  assert.deepEqual([metadata?.annotations?.[SELECTED_NODE], status?.phase], ['node-1', 'Bound']);
});

test('a generic ephemeral volume gets a claim, which goes with its pod', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  await addStorageClass(client, { volumeBindingMode: 'WaitForFirstConsumer' });
  const volumeClaimTemplate = { metadata: { labels: { of: 'user' } }, spec: claim('any').spec ?? {} };
  await client.create('Pod', pod('user', { volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate } }] }));
  await runs(client, 'user');
  const made = await client.get('PersistentVolumeClaim', at('user-scratch'));
  assert.deepEqual([made?.metadata?.labels, made?.status?.phase], [{ of: 'user' }, 'Bound']);
  // Protected while the pod runs, it can only go without its finalizer.
  await eventually('its protection', async () => {
    const { finalizers } = (await client.get('PersistentVolumeClaim', at('user-scratch')))?.metadata ?? {};
    return finalizers?.includes('kubernetes.io/pvc-protection');
  });
  await client.delete('PersistentVolumeClaim', at('user-scratch'));
  await client.patch('PersistentVolumeClaim', at('user-scratch'), { metadata: { finalizers: null } });
  await eventually('another claim', async () => {
    const { uid, deletionTimestamp } = (await client.get('PersistentVolumeClaim', at('user-scratch')))?.metadata ?? {};
    return uid && !deletionTimestamp && uid !== made?.metadata?.uid;
  });
  await client.delete('Pod', at('user'));
  await eventually(
    'the end of the claim',
    async () => !(await client.get('PersistentVolumeClaim', at('user-scratch'))),
  );
  await client.create('PersistentVolumeClaim', claim('thief-scratch'));
  await client.create('Pod', pod('thief', { volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate } }] }));
  await wait(
    client,
    /^Pod FailedScheduling: .* PVC default\/thief-scratch was not created for pod default\/thief \(pod is/,
  );
});

test("a pod's node stays its own while others make its volume", async (t) => {
  const { client } = await startControlPlane(t);
  for (const name of ['node-1', 'node-2']) await addNode(client, name);
  await client.create('StorageClass', delayed('theirs', 'example.com/disk'));
  await client.create('PersistentVolumeClaim', claim('data', 'theirs'));
  await client.create('Pod', user('patient', 'data'));
  await wait(client, /^PersistentVolumeClaim ExternalProvisioning: .*'example\.com\/disk'/);
  const selected = (await client.get('PersistentVolumeClaim', at('data')))?.metadata?.annotations?.[SELECTED_NODE];
  assert.ok(selected);
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...at('data') };
  const { spec } = localVolume('made', selected);
  await client.create('PersistentVolume', {
    metadata: { name: 'made' },
    spec: { ...spec, storageClassName: 'theirs', claimRef },
  });
  assert.equal((await runs(client, 'patient')).spec?.nodeName, selected);
});

test('local volumes: each pod goes where a volume is, which nobody takes while it is bound', async (t) => {
  const { client } = await startControlPlane(t);
  for (const name of ['node-1', 'node-2']) await addNode(client, name);
  await client.create('StorageClass', delayed('local', 'kubernetes.io/no-provisioner'));
  await client.create('PersistentVolume', localVolume('here', 'node-2'));
  for (const name of ['a', 'b']) await client.create('PersistentVolumeClaim', claim(name, 'local'));
  await client.create('Pod', user('a', 'a'));
  assert.equal((await runs(client, 'a')).spec?.nodeName, 'node-2');
  await client.create('Pod', user('b', 'b'));
  await wait(client, /^Pod FailedScheduling: .* 2 node\(s\) didn't find available persistent volumes to bind\./);
  await client.create('PersistentVolume', localVolume('there', 'node-1'));
  assert.equal((await runs(client, 'b')).spec?.nodeName, 'node-1');
  const volume = () => client.get('PersistentVolume', { name: 'here' });
  await eventually('Bound and protected', async () => {
    const { metadata, status } = (await volume()) ?? {};
    return status?.phase === 'Bound' && metadata?.finalizers?.join() === 'kubernetes.io/pv-protection';
  });
  await client.delete('PersistentVolume', { name: 'here' });
  assert.ok((await volume())?.metadata?.deletionTimestamp);
  await client.delete('Pod', at('a'));
  await client.delete('PersistentVolumeClaim', at('a'));
  await eventually('the end of the volume', async () => !(await volume()));
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
