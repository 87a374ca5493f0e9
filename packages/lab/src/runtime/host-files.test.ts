import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canCover, missingFiles } from './host-files.ts';

test('a machine without resolv.conf or hosts: a line says what pods lack and what to do', () => {
  assert.deepEqual(
    missingFiles(() => true),
    [],
  );
  const [line, ...more] = missingFiles((target) => target !== '/etc/resolv.conf');
  assert.match(line ?? '', /no \/etc\/resolv\.conf .*have no DNS; create it/);
  assert.deepEqual(more, []);
  assert.match(missingFiles((target) => target !== '/etc/hosts')[0] ?? '', /no \/etc\/hosts .*localhost/);
  assert.deepEqual([canCover('/etc'), canCover('/etc/no-such-file')], [true, false]);
});
