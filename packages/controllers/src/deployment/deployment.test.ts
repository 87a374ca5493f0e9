import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient, ObjectOf } from '@podwire/kube';
import { nameOf } from '../context.ts';
import { addNode, eventually, startControlPlane } from '../testing/control-plane.ts';
import { DESIRED_REPLICAS, MAX_REPLICAS } from './deployed-set.ts';
import { isRescaled, planScale } from './proportion.ts';

type Deployment = ObjectOf<'Deployment'>;
type ReplicaSet = ObjectOf<'ReplicaSet'>;

const labels = { app: 'web' };
const key = { namespace: 'default', name: 'web' };

function deployment(replicas: number, spec: object = {}): Deployment {
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'one' }] } };
  return { metadata: key, spec: { replicas, selector: { matchLabels: labels }, template, ...spec } };
}

const set = (name: string, replicas: number, [desired, most]: [number, number], available = 0): ReplicaSet => ({
  metadata: { name, annotations: { [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(most) } },
  spec: { replicas, selector: {} },
  status: { replicas, availableReplicas: available },
});

test('during a rollout sets are scaled in proportion', () => {
  const surge = { strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } };
  const sizes = (wanted: number, fresh: ReplicaSet | undefined, old: ReplicaSet[], spec: object = surge): string => {
    const planned = planScale({ deployment: deployment(wanted, spec), fresh, old });
    return [...planned].map(([one, size]) => `${nameOf(one)} ${size}`).join();
  };
  const [fresh, old] = [set('new', 5, [10, 13]), set('old', 8, [10, 13], 8)];
  assert.equal(isRescaled({ deployment: deployment(10, surge), fresh, old: [old] }), false);
  assert.equal(isRescaled({ deployment: deployment(15, surge), fresh, old: [old] }), true);
  assert.equal(sizes(15, fresh, [old]), 'old 11,new 7');
  assert.equal(sizes(10, fresh, [old]), 'old 8,new 5');
  assert.equal(sizes(5, fresh, [old]), 'old 5,new 3');
  assert.equal(sizes(0, fresh, [old]), 'old 0,new 0');
  assert.equal(sizes(7, undefined, [set('old', 8, [10, 13])]), 'old 7');
  assert.equal(sizes(10, set('new', 10, [10, 13], 10), [old]), 'old 0', 'nothing is left to roll out');
  const thirds = [set('a', 1, [3, 3]), set('b', 1, [3, 3]), set('c', 1, [3, 3])];
  const total = sizes(10, undefined, thirds, { strategy: { rollingUpdate: { maxSurge: 0 } } });
  assert.equal(
    total.match(/\d+/g)?.reduce((sum, text) => sum + Number(text), 0),
    10,
    total,
  );
});

const setsOf = async (client: KubeClient): Promise<ReplicaSet[]> =>
  (await client.list('ReplicaSet', { namespace: 'default' })).items;
const imageOf = ({ spec }: ReplicaSet): string | undefined => spec?.template?.spec?.containers[0]?.image;
const change = (image: string) => ({ spec: { template: { spec: { containers: [{ name: 'c', image }] } } } });

test('numbers of a status that are 0 are not there, also when they were more', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  const numbers = (status: object | undefined) =>
    Object.entries(status ?? {})
      .filter(([, value]) => typeof value === 'number')
      .map(([name, value]) => `${name} ${value}`)
      .sort()
      .join();
  const web = async () => (await client.get('Deployment', key))?.status;
  await client.create('Deployment', deployment(1));
  const up = 'availableReplicas 1,observedGeneration 1,readyReplicas 1,replicas 1,updatedReplicas 1';
  await eventually('one pod', async () => numbers(await web()) === up);
  await client.patch('Deployment', key, { spec: { replicas: 0 } });
  await eventually('no pod', async () => numbers(await web()) === 'observedGeneration 2');
  const [set] = await setsOf(client);
  assert.equal(numbers(set?.status), 'observedGeneration 2,replicas 0');
});

test('Recreate makes no new pod while an old one is still ending', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  await client.create('Deployment', deployment(2, { strategy: { type: 'Recreate' } }));
  const available = async () => (await client.get('Deployment', key))?.status?.availableReplicas;
  await eventually('two pods', async () => (await available()) === 2);
  const [first] = (await client.list('Pod', { namespace: 'default' })).items;
  const held = { namespace: 'default', name: nameOf(first ?? {}) };
  await client.patch('Pod', held, { metadata: { finalizers: ['example.com/hold'] } });
  await client.patch('Deployment', key, change('two'));
  await eventually('the other old pod to go', async () => {
    const { items } = await client.list('Pod', { namespace: 'default' });
    return items.length === 1 && items[0]?.metadata?.deletionTimestamp;
  });
  const sizes = (await setsOf(client)).map((one) => `${imageOf(one)} ${one.spec?.replicas}`);
  assert.ok(
    sizes.every((line) => line.endsWith(' 0')),
    sizes.join(),
  );
  await client.patch('Pod', held, { metadata: { finalizers: null } });
  await eventually('two new pods', async () => {
    const { items } = await client.list('Pod', { namespace: 'default' });
    return (
      items.length === 2 && items.every(({ spec, status }) => spec?.containers[0]?.image === 'two' && status?.podIP)
    );
  });
});

test('paused: a new template waits, a new number of replicas does not; few sets are kept', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  await client.create('Deployment', deployment(2, { revisionHistoryLimit: 1 }));
  const rolledOut = (image: string, replicas: number): Promise<unknown> =>
    eventually(`${replicas} of ${image}`, async () => {
      const sizes = (await setsOf(client)).filter((one) => one.status?.availableReplicas);
      return (
        sizes.length === 1 && sizes.every((one) => imageOf(one) === image && one.status?.availableReplicas === replicas)
      );
    });
  await rolledOut('one', 2);
  await client.patch('Deployment', key, { spec: { paused: true, ...change('two').spec, replicas: 3 } });
  await rolledOut('one', 3);
  assert.equal((await setsOf(client)).length, 1);
  await client.patch('Deployment', key, { spec: { paused: false } });
  await rolledOut('two', 3);
  await client.patch('Deployment', key, change('three'));
  await rolledOut('three', 3);
  await eventually('one past set', async () => (await setsOf(client)).length === 2);
  const [past] = (await setsOf(client)).filter((one) => !one.spec?.replicas);
  assert.equal(past && imageOf(past), 'two');
});

test('pods that cannot be made are told of', async (t) => {
  const { client } = await startControlPlane(t);
  const real = client.create.bind(client);
  client.create = (kind, object, options) =>
    kind === 'Pod' ? Promise.reject(new Error('exceeded quota')) : real(kind, object, options);
  await client.create('Deployment', deployment(1));
  const event = await eventually('an event', async () =>
    (await client.list('Event', { namespace: 'default' })).items.find(({ reason }) => reason === 'FailedCreate'),
  );
  assert.equal(event.message, 'Error creating: exceeded quota');
  client.create = real;
  await eventually('the pod', async () => (await client.list('Pod', { namespace: 'default' })).items.length === 1);
});

test('a set of another owner that has the name of ours is left alone: ours gets another name', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  await client.create('Deployment', deployment(1));
  const [first] = await eventually('a set', async () => {
    const sets = await setsOf(client);
    return sets.length === 1 && sets;
  });
  await client.delete('Deployment', key);
  await eventually('the end', async () => (await setsOf(client)).length === 0);
  const { metadata, spec } = first ?? {};
  const owner = { apiVersion: 'example.com/v1', kind: 'Other', name: 'other', uid: 'other', controller: true };
  const foreign = {
    name: metadata?.name ?? '',
    namespace: 'default',
    labels: { other: 'yes' },
    ownerReferences: [owner],
  };
  await client.create('ReplicaSet', { metadata: foreign, spec: { ...spec, replicas: 0 } } as ObjectOf<'ReplicaSet'>);
  await client.create('Deployment', deployment(1));
  await eventually('a pod', async () => (await client.get('Deployment', key))?.status?.availableReplicas === 1);
  assert.equal((await client.get('Deployment', key))?.status?.collisionCount, 1);
  assert.equal((await setsOf(client)).filter((one) => one.spec?.replicas === 1).length, 1);
  await client.patch('Deployment', key, change('two'));
  await eventually('the new set', async () =>
    (await setsOf(client)).some((one) => imageOf(one) === 'two' && one.status?.availableReplicas),
  );
});
