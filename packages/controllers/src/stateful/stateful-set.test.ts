import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient, ObjectOf } from '@podwire/kube';
import { timestamp } from '../clock.ts';
import { nameOf } from '../context.ts';
import { addNode, addStorageClass, eventually, startControlPlane } from '../testing/control-plane.ts';
import { planStateful } from './stateful-plan.ts';
import { statefulPod } from './stateful-pod.ts';

type Pod = ObjectOf<'Pod'>;
type StatefulSet = ObjectOf<'StatefulSet'>;

const NOW = Date.parse('2030-01-01T00:00:00Z');
const labels = { app: 'db' };
const metadata = { name: 'db', namespace: 'default' };

const set = (image: string, more: object = {}): StatefulSet => ({
  metadata,
  spec: {
    ...{ replicas: 3, serviceName: 'db', selector: { matchLabels: labels } },
    template: { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } },
    ...more,
  },
});

/** Ready for so many seconds; undefined: not ready. */
function pod(ordinal: number, image: string, seconds: number | undefined): Pod {
  const lastTransitionTime = timestamp(NOW - (seconds ?? 0) * 1000);
  const conditions = [{ type: 'Ready', status: seconds === undefined ? 'False' : 'True', lastTransitionTime }];
  return { ...statefulPod(set(image), ordinal), status: { phase: 'Running', conditions } };
}

function plan(of: StatefulSet, pods: readonly Pod[]) {
  const { create, remove, next } = planStateful(of, pods, NOW);
  return [create.join(), remove.map(nameOf).join(), next];
}

test('minReadySeconds: the next pod waits until the one before is available', () => {
  const slow = { minReadySeconds: 30 };
  assert.deepEqual(plan(set('one', slow), [pod(0, 'one', 10)]), ['', '', 20_000]);
  assert.deepEqual(plan(set('one', slow), [pod(0, 'one', 30)]), ['1', '', undefined]);
  const updating = [pod(0, 'one', 60), pod(1, 'one', 60), pod(2, 'two', 10)];
  assert.deepEqual(plan(set('two', slow), updating), ['', '', 20_000]);
  assert.deepEqual(plan(set('two', { ...slow, podManagementPolicy: 'Parallel' }), updating), ['', '', 20_000]);
});

test('Parallel: broken pods below hold up neither the others nor the update', () => {
  const parallel = { podManagementPolicy: 'Parallel' };
  const pods = [pod(0, 'one', undefined), pod(1, 'one', 60), pod(2, 'two', 60)];
  assert.deepEqual(plan(set('two', parallel), pods), ['', 'db-1', undefined]);
  assert.deepEqual(plan(set('two', parallel), pods.slice(0, 2)), ['2', '', undefined]);
  assert.deepEqual(plan(set('two', { ...parallel, replicas: 1 }), pods), ['', 'db-2,db-1', undefined]);
  const partition = { updateStrategy: { rollingUpdate: { partition: 1 } } };
  assert.deepEqual(
    plan(set('two', { ...parallel, ...partition }), [pods[0], pod(1, 'two', 60), pods[2]] as Pod[])[1],
    '',
  );
});

test('maxUnavailable: so many pods at once are replaced from the top, those that are not available first', () => {
  const two = { updateStrategy: { rollingUpdate: { maxUnavailable: '50%' } } };
  const all = [0, 1, 2].map((ordinal) => pod(ordinal, 'one', 60));
  assert.deepEqual(plan(set('two', two), all), ['', 'db-2,db-1', undefined]);
  const broken = [pod(0, 'one', undefined), ...all.slice(1)];
  assert.deepEqual(plan(set('two', { ...two, podManagementPolicy: 'Parallel' }), broken), ['', 'db-0,db-2', undefined]);
  const halfway = [...all.slice(0, 2), pod(2, 'two', undefined)];
  assert.deepEqual(plan(set('two', { ...two, podManagementPolicy: 'Parallel' }), halfway), ['', 'db-1', undefined]);
});

async function imagesOf(client: KubeClient): Promise<string> {
  const { items } = await client.list('Pod', { namespace: 'default', labelSelector: 'app=db' });
  const running = items.filter(({ status }) => status?.podIP).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return running.map(({ spec }) => spec?.containers[0]?.image).join();
}

test('pods below the partition stay as they are, and are made again as they were', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  await client.create('StatefulSet', set('one'));
  const imagesAre = (images: string): Promise<unknown> =>
    eventually(images, async () => (await imagesOf(client)) === images);
  await imagesAre('one,one,one');
  const revision = async () => (await client.get('StatefulSet', metadata))?.status;
  const first = await eventually('a revision', async () => {
    const status = await revision();
    return status?.readyReplicas === 3 && status.currentRevision;
  });
  await client.patch('StatefulSet', metadata, {
    spec: {
      updateStrategy: { rollingUpdate: { partition: 2 } },
      template: { spec: { containers: [{ name: 'c', image: 'two' }] } },
    },
  });
  await imagesAre('one,one,two');
  const { metadata: old } = (await client.get('Pod', { namespace: 'default', name: 'db-0' })) ?? {};
  await client.delete('Pod', { namespace: 'default', name: 'db-0' });
  await eventually('another db-0', async () => {
    const now = await client.get('Pod', { namespace: 'default', name: 'db-0' });
    return now?.status?.podIP && now.metadata?.uid !== old?.uid;
  });
  assert.equal(await imagesOf(client), 'one,one,two');
  const status = await eventually('the status', async () => {
    const now = await revision();
    return now?.readyReplicas === 3 && now.updatedReplicas === 1 && now;
  });
  assert.deepEqual([status.currentRevision, status.currentReplicas], [first, 2]);
  await client.patch('StatefulSet', metadata, { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
  await imagesAre('two,two,two');
  await eventually('one revision', async () => {
    const now = await revision();
    return now?.currentRevision === now?.updateRevision && now?.currentReplicas === 3;
  });
});

test('pods have stable names in DNS: a pod made anew has the name of the one before, at its own address', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  const ports = [{ port: 5432 }];
  await client.create('Service', { metadata, spec: { clusterIP: 'None', selector: labels, ports } });
  await client.create('StatefulSet', set('one', { replicas: 2 }));
  const names = async (): Promise<Record<string, string>> => {
    const { items } = await client.list('EndpointSlice', { namespace: 'default' });
    const ready = items.flatMap(({ endpoints }) => endpoints).filter(({ conditions }) => conditions?.ready);
    return Object.fromEntries(ready.map(({ hostname = '', addresses }) => [hostname, addresses.join()]));
  };
  const both = () =>
    eventually(
      'both names',
      async () =>
        Object.keys(await names())
          .sort()
          .join() === 'db-0,db-1',
    );
  await both();
  const before = await names();
  await client.delete('Pod', { namespace: 'default', name: 'db-0' });
  await eventually('another address', async () => (await names())['db-0'] !== before['db-0']);
  await both();
  const after = await names();
  assert.notEqual(after['db-0'], before['db-0']);
  assert.equal(after['db-1'], before['db-1']);
});

test('claims of a template are made, mounted and kept', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  await addStorageClass(client);
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  const containers = [{ name: 'c', image: 'one', volumeMounts: [{ name: 'data', mountPath: '/data' }] }];
  await client.create(
    'StatefulSet',
    set('one', {
      replicas: 2,
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim }],
      template: { metadata: { labels }, spec: { containers } },
    }),
  );
  await eventually('two pods', async () => (await imagesOf(client)) === 'one,one');
  const { spec } = (await client.get('Pod', { namespace: 'default', name: 'db-1' })) ?? {};
  assert.deepEqual(spec?.volumes?.[0], { name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } });
  await client.delete('StatefulSet', metadata, { propagationPolicy: 'Foreground' });
  await eventually('the end', async () => !(await client.get('StatefulSet', metadata)));
  const { items } = await client.list('PersistentVolumeClaim', { namespace: 'default' });
  assert.deepEqual(items.map(nameOf), ['data-db-0', 'data-db-1']);
  assert.deepEqual(items[0]?.metadata?.labels, labels);
});

test('claims go with pods that are not wanted any more, and with the set, where it says so', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  await addStorageClass(client);
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  const template = { metadata: { name: 'data' }, spec: claim };
  const policy = { whenDeleted: 'Delete', whenScaled: 'Delete' };
  const more = { volumeClaimTemplates: [template], persistentVolumeClaimRetentionPolicy: policy };
  await client.create('StatefulSet', set('one', { replicas: 2, ...more }));
  const claims = async () => (await client.list('PersistentVolumeClaim', { namespace: 'default' })).items.map(nameOf);
  await eventually('two pods', async () => (await imagesOf(client)) === 'one,one');
  assert.deepEqual(await claims(), ['data-db-0', 'data-db-1']);
  await client.delete('Pod', { namespace: 'default', name: 'db-0' });
  await eventually('another pod', async () => (await imagesOf(client)) === 'one,one');
  assert.deepEqual(await claims(), ['data-db-0', 'data-db-1']);
  await client.patch('StatefulSet', metadata, { spec: { replicas: 1 } });
  await eventually('one claim', async () => (await claims()).join() === 'data-db-0');
  await client.patch('StatefulSet', metadata, { spec: { replicas: 2 } });
  await eventually('two pods again', async () => (await imagesOf(client)) === 'one,one');
  assert.deepEqual(await claims(), ['data-db-0', 'data-db-1']);
  await client.delete('StatefulSet', metadata);
  await eventually('no claims', async () => (await claims()).length === 0);
});

test('a set that is made again takes in the pods the one before left behind', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  await client.create('StatefulSet', set('one'));
  await eventually('three pods', async () => (await imagesOf(client)) === 'one,one,one');
  await client.delete('StatefulSet', metadata, { propagationPolicy: 'Orphan' });
  await eventually('the end of the set', async () => !(await client.get('StatefulSet', metadata)));
  const uids = async () => (await client.list('Pod', { namespace: 'default' })).items.map((one) => one.metadata?.uid);
  const before = await uids();
  const again = await client.create('StatefulSet', set('one'));
  await eventually('their new owner', async () => {
    const { items } = await client.list('Pod', { namespace: 'default' });
    return items.every((one) => one.metadata?.ownerReferences?.[0]?.uid === again.metadata?.uid);
  });
  await eventually('the status', async () => (await client.get('StatefulSet', metadata))?.status?.readyReplicas === 3);
  assert.deepEqual(await uids(), before);
});
