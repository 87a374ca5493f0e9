import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkObject, wrongWith } from '../testing/check-object.ts';

const VOLUME = {
  accessModes: ['ReadWriteOnce'],
  capacity: { storage: '1Gi' },
  nfs: { path: '/', server: 's' },
};
const CLAIM = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

test('what is wrong with a PersistentVolume', () => {
  const { object, causes } = checkObject('PersistentVolume', { spec: VOLUME });
  assert.deepEqual(causes, []);
  assert.deepEqual(object.spec, { ...VOLUME, persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' });
  assert.deepEqual(object.status, { phase: 'Pending' });
  assert.deepEqual(wrongWith('PersistentVolume', { spec: {} }), [
    'spec.accessModes: Required value',
    'spec.capacity: Required value',
    'spec: Required value: must specify a volume type',
  ]);
  const local = { accessModes: ['Some'], capacity: { storage: '0' }, local: { path: '/a' }, hostPath: { path: '/b' } };
  assert.deepEqual(wrongWith('PersistentVolume', { spec: local }), [
    'spec.accessModes: Unsupported value: "Some": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
    'spec.capacity[storage]: Invalid value: "0": must be greater than zero',
    'spec.hostPath: Forbidden: may not specify more than 1 volume type',
    'spec.nodeAffinity: Required value: Local volume requires node affinity',
  ]);
  const moved = { ...(object.spec as object), nfs: { path: '/', server: 't' } };
  assert.deepEqual(wrongWith('PersistentVolume', { spec: moved }, object), [
    'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation',
  ]);
});

test('what is wrong with a PersistentVolumeClaim', () => {
  assert.deepEqual(wrongWith('PersistentVolumeClaim', { spec: {} }), [
    'spec.accessModes: Required value: at least 1 access mode is required',
    'spec.resources[storage]: Required value',
  ]);
  const { object: old } = checkObject('PersistentVolumeClaim', { spec: CLAIM });
  const next = (more: object) => ({ ...old, spec: { ...(old.spec as object), ...more } });
  const sized = (storage: string) => next({ volumeName: 'v', resources: { requests: { storage } } });
  assert.deepEqual(wrongWith('PersistentVolumeClaim', sized('1Gi'), old), [], 'binding it');
  const fixed =
    'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
  const classed = next({ storageClassName: 'one' });
  assert.deepEqual(wrongWith('PersistentVolumeClaim', classed, old), [], 'the default class may come later');
  assert.deepEqual(wrongWith('PersistentVolumeClaim', next({ storageClassName: 'other' }), classed), [fixed]);
  assert.deepEqual(wrongWith('PersistentVolumeClaim', sized('2Gi'), old), [fixed]);
  const bound = { ...sized('1Gi'), status: { phase: 'Bound' } };
  assert.deepEqual(wrongWith('PersistentVolumeClaim', { ...bound, ...sized('2Gi') }, bound), []);
  assert.deepEqual(wrongWith('PersistentVolumeClaim', { ...bound, ...sized('1Mi') }, bound), [
    'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
  ]);
});

test('a StorageClass keeps what it promises', () => {
  const { object: old, causes } = checkObject('StorageClass', { provisioner: 'p', parameters: { a: '1' } });
  assert.deepEqual(causes, []);
  assert.deepEqual([old.reclaimPolicy, old.volumeBindingMode], ['Delete', 'Immediate']);
  const next = { ...old, parameters: {}, provisioner: 'q', volumeBindingMode: 'WaitForFirstConsumer' };
  assert.deepEqual(wrongWith('StorageClass', next, old), [
    'parameters: Forbidden: updates to parameters are forbidden.',
    'provisioner: Forbidden: updates to provisioner are forbidden.',
    'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
  ]);
  assert.deepEqual(wrongWith('StorageClass', { ...old, allowVolumeExpansion: true }, old), []);
});
