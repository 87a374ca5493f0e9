import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient, ObjectOf } from '@podwire/kube';
import { addNode, addStorageClass, eventually, startControlPlane } from '../testing/control-plane.ts';
import { IS_DEFAULT, PROVISIONER, planClaim, volumeFor } from './claim-plan.ts';

type Claim = ObjectOf<'PersistentVolumeClaim'>;
type Volume = ObjectOf<'PersistentVolume'>;

const namespace = 'default';
const key = { namespace, name: 'data' };

const claim = (spec: object = {}): Claim => ({
  metadata: { ...key, uid: 'one' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...spec },
});
const volume = (name: string, storage: string, spec: object = {}): Volume => ({
  metadata: { name },
  spec: {
    ...{ capacity: { storage }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany'], hostPath: { path: '/data' } },
    ...{ persistentVolumeReclaimPolicy: 'Retain', ...spec },
  },
});
const named = (name: string, provisioner: string, isDefault = false): ObjectOf<'StorageClass'> => ({
  metadata: { name, ...(isDefault ? { annotations: { [IS_DEFAULT]: 'true' } } : {}) },
  provisioner,
});

test('a claim gets the volume kept for it, else the smallest that fits, else one of its class', () => {
  const classes = [named('ours', PROVISIONER, true), named('theirs', 'example.com/disk')];
  const all = [
    volume('large', '9Gi'),
    volume('fit', '3Gi'),
    volume('small', '1Gi'),
    volume('rwx', '2Gi', { accessModes: ['ReadWriteMany'] }),
  ];
  const step = (of: Claim, volumes: readonly Volume[] = []): string => {
    const plan = planClaim(of, { volumes, classes });
    if (plan.step === 'bind') return plan.volume.metadata?.name ?? '';
    return plan.step === 'wait' ? plan.why.message : plan.step;
  };
  assert.equal(step(claim({ storageClassName: '' }), all), 'fit');
  const kept = volume('kept', '1Gi', { claimRef: { namespace, name: 'data' } });
  assert.equal(step(claim({ storageClassName: '' }), [...all, kept]), 'kept');
  const others = volume('fit', '2Gi', { claimRef: { namespace, name: 'data', uid: 'other' } });
  assert.equal(step(claim({ storageClassName: 'ours' }), [others]), 'provision');
  assert.equal(step(claim(), all), 'classify');
  assert.equal(step(claim({ storageClassName: 'theirs' })), "waiting for a volume to be created by 'example.com/disk'");
  assert.equal(step(claim({ storageClassName: 'none' })), 'storageclass.storage.k8s.io "none" not found');
  assert.match(step(claim({ storageClassName: '' })), /no storage class is set$/);
  assert.equal(step(claim({ volumeName: 'fit' }), [others]), 'volume "fit" already bound to a different claim.');
  assert.equal(step({ ...claim({ volumeName: 'gone' }), status: { phase: 'Bound' } }), 'lost');
  assert.equal(volumeFor(claim(), classes[0] as ObjectOf<'StorageClass'>).spec?.capacity?.storage, '2Gi');
});

const phases = async (client: KubeClient): Promise<string> => {
  const claims = (await client.list('PersistentVolumeClaim', { namespace })).items;
  const volumes = (await client.list('PersistentVolume')).items;
  return [...claims, ...volumes].map(({ status }) => status?.phase).join();
};

test('a volume of the default class is made for a claim, and goes with it, which waits for its pods', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  const { uid: _, ...metadata } = claim().metadata ?? {};
  await client.create('PersistentVolumeClaim', { ...claim(), metadata });
  await eventually('an Event', async () =>
    (await client.list('Event', { namespace })).items.some(({ reason }) => reason === 'FailedBinding'),
  );
  assert.equal(await phases(client), 'Pending');
  await addStorageClass(client);
  await eventually('both bound', async () => (await phases(client)) === 'Bound,Bound');
  const bound = await client.get('PersistentVolumeClaim', key);
  assert.deepEqual([bound?.spec?.storageClassName, bound?.status?.capacity], ['ours', { storage: '2Gi' }]);
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }];
  const pod = { namespace, name: 'user' };
  await client.create('Pod', { metadata: pod, spec: { containers: [{ name: 'c', image: 'i' }], volumes } });
  await eventually('the pod', async () => (await client.get('Pod', pod))?.status?.podIP);
  await client.delete('PersistentVolumeClaim', key);
  assert.ok((await client.get('PersistentVolumeClaim', key))?.metadata?.deletionTimestamp);
  await client.delete('Pod', pod);
  await eventually('the end of both', async () => (await phases(client)) === '');
});

test('a volume made by hand is taken by one claim only, and stays when that goes', async (t) => {
  const { client } = await startControlPlane(t);
  await client.create('PersistentVolume', volume('by-hand', '2Gi'));
  await eventually('Available', async () => (await phases(client)) === 'Available');
  for (const name of ['a', 'b'])
    await client.create('PersistentVolumeClaim', { ...claim({ storageClassName: '' }), metadata: { namespace, name } });
  await eventually('one claim bound', async () =>
    ['Bound,Pending,Bound', 'Pending,Bound,Bound'].includes(await phases(client)),
  );
  for (const name of ['a', 'b']) await client.delete('PersistentVolumeClaim', { namespace, name });
  await eventually('Released', async () => (await phases(client)) === 'Released');
});
