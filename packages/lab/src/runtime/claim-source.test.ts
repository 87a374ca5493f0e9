import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { KubeClient, ObjectOf, Pod } from '@podwire/kube';
import { claimSource } from './claim-source.ts';
import { PodVolumes } from './pod-volumes.ts';
import type { VolumeSource } from './volume-source.ts';

type Claim = ObjectOf<'PersistentVolumeClaim'>;

const claim = (phase: string, volumeName: string): Claim => ({
  metadata: { name: 'data', uid: 'one' },
  spec: { volumeName },
  status: { phase },
});
const clientOf = (objects: Readonly<Record<string, object>>): Pick<KubeClient, 'get'> => ({
  get: async (_, { name }) => objects[name] as never,
});
const find = (objects: Readonly<Record<string, object>>) => claimSource(clientOf(objects), { name: 'data' });

test('the data of a claim is where its volume says, else in a directory of its own', async () => {
  assert.equal(await find({}), undefined);
  const metadata = { name: 'data', uid: 'one' };
  assert.deepEqual(await find({ data: claim('Pending', '') }), { metadata, isBound: false });
  const bound = { data: claim('Bound', 'v') };
  assert.deepEqual(await find(bound), { metadata, isBound: true });
  assert.deepEqual(await find({ ...bound, v: { spec: { csi: { driver: 'd' } } } }), { metadata, isBound: true });
  const [local, hostPath] = [{ path: '/data' }, { path: '/srv', type: 'Directory' }];
  assert.deepEqual((await find({ ...bound, v: { spec: { local } } }))?.hostPath, local);
  assert.deepEqual((await find({ ...bound, v: { spec: { hostPath } } }))?.hostPath, hostPath);
});

test('a pod waits for a claim to be bound, and has mounted what its volume names', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'podwire-claim-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const volumeMounts = [{ name: 'v', mountPath: '/data' }];
  const container = { name: 'c', volumeMounts };
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }];
  const pod: Pod = { spec: { containers: [container], volumes } };
  const mounted = async (objects: Readonly<Record<string, object>>): Promise<string | undefined> => {
    const source = { wantsToken: async () => false, claim: () => find(objects) } as unknown as VolumeSource;
    const own = new PodVolumes({ pod, directory, claims: path.join(directory, 'claims'), source, warn: () => {} });
    await own.prepare();
    return own.binds(container)[0]?.source;
  };
  const message = 'MountVolume.SetUp failed for volume "v" : persistentvolumeclaim "data" is not bound';
  await assert.rejects(mounted({ data: claim('Pending', '') }), { code: 'LAB_VOLUME', message });
  const bound = { data: claim('Bound', 'v') };
  assert.equal(await mounted(bound), path.join(directory, 'claims', 'one'));
  assert.equal(await mounted({ ...bound, v: { spec: { local: { path: directory } } } }), directory);
  const nowhere = { spec: { hostPath: { path: `${directory}/nowhere` } } };
  await assert.rejects(mounted({ ...bound, v: nowhere }), /hostPath \S+nowhere does not exist on this machine/);
});

test('the claim of an ephemeral volume has the name of pod and volume, and is of no other pod', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'podwire-claim-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const container = { name: 'c', volumeMounts: [{ name: 'scratch', mountPath: '/data' }] };
  const spec = { containers: [container], volumes: [{ name: 'scratch', ephemeral: {} }] };
  const pod: Pod = { metadata: { namespace: 'default', name: 'user', uid: 'its' }, spec };
  const mounted = async (owner: string | undefined, name = 'user-scratch'): Promise<string | undefined> => {
    const own = { apiVersion: 'v1', kind: 'Pod', name: 'user', uid: owner ?? '', controller: true };
    const metadata = { name, uid: 'one', ...(owner ? { ownerReferences: [own] } : {}) };
    const claimed = async (asked: string) => (asked === name ? { metadata, isBound: true } : undefined);
    const source = { wantsToken: async () => false, claim: claimed } as unknown as VolumeSource;
    const volumes = new PodVolumes({ pod, directory, claims: directory, source, warn: () => {} });
    await volumes.prepare();
    return volumes.binds(container)[0]?.source;
  };
  await assert.rejects(mounted('its', 'other'), /persistentvolumeclaim "user-scratch" not found$/);
  const foreign = / : PVC default\/user-scratch was not created for pod default\/user \(pod is not owner\)$/;
  await assert.rejects(mounted(undefined), foreign);
  await assert.rejects(mounted('the uid of the pod that had its name before'), foreign);
  assert.equal(await mounted('its'), path.join(directory, 'one'));
});
