import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '../../seam.ts';
import { patchedObject } from './patched-object.ts';

const MAP: ApiObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };

test('a patch changes an object, and leaves one', () => {
  const named = patchedObject(MAP, [{ op: 'add', path: '/data', value: { a: 'b' } }]);
  assert.deepEqual(named, { ...MAP, data: { a: 'b' } });
  for (const value of ['text', 1, null, []])
    assert.throws(() => patchedObject(MAP, [{ op: 'replace', path: '', value }]), /the patch leaves no object/);
  for (const operation of [{ op: 'remove' }, { op: 'replace', value: 'text' }])
    assert.throws(() => patchedObject(MAP, [{ ...operation, path: '/metadata' }]), /an object without metadata/);
});

test('what has no metadata needs none', () => {
  const options = { apiVersion: 'v1', kind: 'PodExecOptions' } as ApiObject;
  assert.deepEqual(patchedObject(options, [{ op: 'add', path: '/tty', value: true }]), { ...options, tty: true });
});
