import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient, ObjectOf } from '@podwire/kube';
import { nameOf } from '../context.ts';
import { AliveNodes } from '../testing/alive-nodes.ts';
import { addNode, eventually, startControlPlane } from '../testing/control-plane.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { surplus } from './pod-gc.ts';

const readyOf = async (client: KubeClient, name: string) =>
  (await client.get('Node', { name }))?.status?.conditions?.find(({ type }) => type === 'Ready');

test('a node that falls silent loses its endpoints, then its pods; one that is deleted, all of them', async (t) => {
  const clock = new VirtualClock('2030-01-01T00:00:00Z');
  const { client } = await startControlPlane(t, clock);
  for (const name of ['alive', 'silent']) await addNode(client, name);
  const alive = new AliveNodes(client, clock, ['alive']);
  const labels = { app: 'web' };
  await client.create('Service', {
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: labels, ports: [{ port: 80 }] },
  });
  await client.create('Deployment', {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'one' }] } },
    },
  });
  const nodesOfReady = async () => {
    const { items } = await client.list('EndpointSlice', {
      namespace: 'default',
      labelSelector: 'kubernetes.io/service-name=web',
    });
    const ready = items.flatMap(({ endpoints }) => endpoints).filter(({ conditions }) => conditions?.ready);
    return ready
      .map(({ nodeName }) => nodeName)
      .sort()
      .join();
  };
  await eventually('an endpoint on each node', async () => (await nodesOfReady()) === 'alive,silent');

  await alive.pass(50);
  await eventually('the endpoint to go', async () => (await nodesOfReady()) === 'alive');
  const ready = await readyOf(client, 'silent');
  assert.deepEqual([ready?.status, ready?.reason], ['Unknown', 'NodeStatusUnknown']);
  assert.equal((await readyOf(client, 'alive'))?.status, 'True');
  await eventually('the taints', async () => {
    const node = await client.get('Node', { name: 'silent' });
    return node?.spec?.taints?.map(({ effect }) => effect).join() === 'NoSchedule,NoExecute';
  });

  await alive.pass(250);
  const { items: before } = await client.list('Pod', { fieldSelector: 'spec.nodeName=silent' });
  assert.equal(before.length, 1);
  await alive.pass(60);
  await eventually('both replicas on the node left', async () => (await nodesOfReady()) === 'alive,alive');

  await client.delete('Node', { name: 'alive' });
  await eventually('the pods of the deleted node to go', async () => {
    clock.advance(20);
    return (await client.list('Pod', { fieldSelector: 'spec.nodeName=alive' })).items.length === 0;
  });
});

test('a node that comes back in time keeps its pods, but those that would not wait', async (t) => {
  const clock = new VirtualClock('2030-01-01T00:00:00Z');
  const { client } = await startControlPlane(t, clock);
  for (const name of ['alive', 'silent']) await addNode(client, name);
  const alive = new AliveNodes(client, clock, ['alive']);
  const both = new AliveNodes(client, clock, ['alive', 'silent']);
  const pod = (name: string, tolerationSeconds?: number) =>
    client.create('Pod', {
      metadata: { name, namespace: 'default' },
      spec: {
        ...{ nodeName: 'silent', containers: [{ name: 'c', image: 'one' }] },
        ...(tolerationSeconds === undefined
          ? {}
          : {
              tolerations: [
                { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', operator: 'Exists', tolerationSeconds },
              ],
            }),
      },
    });
  await Promise.all([pod('patient'), pod('hasty', 20)]);
  const get = (name: string) => client.get('Pod', { namespace: 'default', name });
  await eventually('both', async () => (await get('patient'))?.status?.podIP && (await get('hasty'))?.status?.podIP);
  const taints = async () => (await client.get('Node', { name: 'silent' }))?.spec?.taints?.length ?? 0;
  await alive.pass(50);
  await eventually('the taints', async () => (await taints()) === 2);
  await alive.pass(30);
  await eventually('the hasty one to go', async () => !(await get('hasty')));

  const now = new Date(clock.now()).toISOString();
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: now, lastTransitionTime: now }];
  await client.patch('Node', { name: 'silent' }, { status: { conditions } }, { subresource: 'status' });
  await eventually('no taints', async () => (await taints()) === 0);
  await both.pass(600);
  const left = await get('patient');
  assert.equal(left?.metadata?.deletionTimestamp, undefined);
  assert.equal(left?.spec?.nodeName, 'silent');
  assert.equal((await readyOf(client, 'silent'))?.status, 'True');
});

const finished = (name: string, day: number, more: Partial<ObjectOf<'Pod'>> = {}): ObjectOf<'Pod'> => ({
  metadata: { name, creationTimestamp: `2030-01-0${day}T00:00:00Z` },
  status: { phase: 'Succeeded' },
  ...more,
});

test('of the pods that are over the oldest go when they are too many', () => {
  const going = { name: 'going', creationTimestamp: '2030-01-01T00:00:00Z', deletionTimestamp: '2030-01-02T00:00:00Z' };
  const pods = [
    ...[finished('c', 3), finished('a', 1, { status: { phase: 'Failed' } }), finished('b', 2), finished('d', 3)],
    ...[finished('runs', 1, { status: { phase: 'Running' } }), finished('going', 1, { metadata: going })],
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
