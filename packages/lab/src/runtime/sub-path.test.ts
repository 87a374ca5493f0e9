import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { placeInVolume } from './sub-path.ts';

test('a path within a volume is made; one that leads out of it, by dots or links, is refused', (t) => {
  const parent = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'podwire-sub-path-')));
  t.after(() => fs.rmSync(parent, { recursive: true }));
  const volume = path.join(parent, 'volume');
  fs.mkdirSync(path.join(volume, 'real'), { recursive: true });
  fs.symlinkSync('/etc', path.join(volume, 'etc'));
  fs.symlinkSync('../beside', path.join(volume, 'gone'));
  fs.symlinkSync('real', path.join(volume, 'link'));
  assert.equal(placeInVolume(volume, 'a/./b'), path.join(volume, 'a/b'));
  assert.ok(fs.statSync(path.join(volume, 'a/b')).isDirectory());
  assert.equal(placeInVolume(volume, 'link/x'), path.join(volume, 'real/x'));
  for (const inside of ['..', 'a/../..', 'etc', 'etc/hosts', 'link/../../..', 'gone', 'gone/x'])
    assert.throws(() => placeInVolume(volume, inside), { code: 'LAB_VOLUME' }, inside);
  assert.deepEqual(fs.readdirSync(parent), ['volume']);
});
