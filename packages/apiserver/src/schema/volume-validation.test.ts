import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Volume, VolumeMount } from 'kubernetes-types/core/v1.js';
import { FieldErrors } from './field-errors.ts';
import { validateMountPaths, validateVolumes } from './volume-validation.ts';

function volumeErrors(source: Omit<Volume, 'name'>): string[] {
  const errors = new FieldErrors();
  validateVolumes([{ name: 'v', ...source }], 'v', errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

function mountErrors(paths: Partial<VolumeMount>): string[] {
  const errors = new FieldErrors();
  validateMountPaths({ name: 'v', mountPath: '/v', ...paths }, 'm', errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

const STEPS = "must not contain '..'";
const MODE = 'must be a number between 0 and 0777 (octal), both inclusive';

test('files of volumes stay within them', () => {
  const file = (path: string) => ({ items: [{ key: 'k', path }] });
  assert.deepEqual(volumeErrors({ configMap: { name: 'c', ...file('a/..b/c') } }), []);
  assert.deepEqual(volumeErrors({ configMap: { name: 'c', ...file('../../etc/passwd') } }), [
    `v[0].configMap.items[0].path: Invalid value: "../../etc/passwd": ${STEPS}`,
  ]);
  assert.deepEqual(
    volumeErrors({ downwardAPI: { items: [{} as { path: string }] }, hostPath: {} as { path: string } }),
    ['v[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  );
  assert.deepEqual(volumeErrors({ secret: { secretName: 's', ...file('/etc/passwd') } }), [
    'v[0].secret.items[0].path: Invalid value: "/etc/passwd": must be a relative path',
  ]);
  assert.deepEqual(volumeErrors({ downwardAPI: { items: [{ path: '..data' }] } }), [
    'v[0].downwardAPI.items[0].path: Invalid value: "..data": must not start with \'..\'',
  ]);
  const sources = [{ serviceAccountToken: { path: 'a/../../t', expirationSeconds: 60 } }, { secret: file('../x') }];
  assert.deepEqual(volumeErrors({ projected: { sources } }), [
    `v[0].projected.sources[0].serviceAccountToken.path: Invalid value: "a/../../t": ${STEPS}`,
    'v[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
    `v[0].projected.sources[1].secret.items[0].path: Invalid value: "../x": ${STEPS}`,
  ]);
  assert.deepEqual(volumeErrors({ hostPath: { path: '/var/../etc' } }), [
    `v[0].hostPath.path: Invalid value: "/var/../etc": ${STEPS}`,
  ]);
});

test('modes of files have no bits beyond those of access', () => {
  const items = [{ key: 'k', path: 'p', mode: 0o4755 }];
  assert.deepEqual(volumeErrors({ configMap: { name: 'c', defaultMode: 0o1777, items } }), [
    `v[0].configMap.defaultMode: Invalid value: 1023: ${MODE}`,
    `v[0].configMap.items[0].mode: Invalid value: 2541: ${MODE}`,
  ]);
});

test('a mount is of a place within its volume', () => {
  assert.deepEqual(mountErrors({ subPath: 'a/b' }), []);
  assert.deepEqual(mountErrors({ subPath: '../b' }), [`m.subPath: Invalid value: "../b": ${STEPS}`]);
  assert.deepEqual(mountErrors({ subPathExpr: '/a' }), ['m.subPathExpr: Invalid value: "/a": must be a relative path']);
  assert.deepEqual(mountErrors({ subPath: 'a', subPathExpr: 'b' }), [
    'm.subPathExpr: Invalid value: "b": subPathExpr and subPath are mutually exclusive',
  ]);
});
