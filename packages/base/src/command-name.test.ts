import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { commandName } from './command-name.ts';

test('hints call podwire as it can be called from here', (t) => {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'podwire-command-')));
  t.after(() => rmSync(root, { recursive: true }));
  const clone = path.join(root, 'clone');
  const bin = path.join(root, 'bin');
  for (const directory of [clone, bin, path.join(root, 'podwire')]) mkdirSync(directory);
  const launcher = path.join(clone, 'podwire');
  writeFileSync(launcher, '');
  const from = (directory: string, searchPath = '/nowhere:') => commandName({ launcher, directory, searchPath });
  assert.equal(from(clone), './podwire');
  assert.equal(from(root), './clone/podwire');
  assert.equal(from(bin), launcher);
  assert.equal(from('/'), launcher);
  assert.equal(from(clone, `/nowhere:${bin}`), './podwire');
  symlinkSync(launcher, path.join(bin, 'podwire'));
  assert.equal(from(clone, `/nowhere:${bin}`), 'podwire');
  assert.equal(commandName({ launcher: path.join(root, 'podwire'), directory: root, searchPath: '' }), 'podwire');
  assert.equal(commandName({ launcher: path.join(bin, 'none'), directory: root, searchPath: '' }), 'podwire');
});
