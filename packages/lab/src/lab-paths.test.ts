import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { labPaths } from './lab-paths.ts';
import { labExists, runningDaemon, sweepLab } from './sweep.ts';

const OUTSIDE = ['..', '.', '', '/', '../..', 'a/b', 'Lab', '1lab', 'lab\n', 'lab-1', 'ninechars', '-x', 'a b'];

test('a name that leads out of the directories of labs has no paths and is never swept', async () => {
  for (const name of OUTSIDE) {
    const refused = (error: unknown): boolean => hasCode(error, 'LAB_BAD_CONFIG');
    assert.throws(() => labPaths(name), refused, JSON.stringify(name));
    assert.throws(() => runningDaemon(name), refused);
    assert.throws(() => labExists(name), refused);
    await assert.rejects(sweepLab(name, { state: true }), refused);
  }
  assert.equal(labPaths('lab').run, '/run/podwire/lab');
});
