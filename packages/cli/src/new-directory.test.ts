import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { makeDirectory } from './new-directory.ts';

test('every level is made, and what stands in the way is left to others', (t) => {
  const home = mkdtempSync(path.join(tmpdir(), 'podwire-directory-'));
  t.after(() => rmSync(home, { recursive: true }));
  const deep = path.join(home, 'a/b/c');
  makeDirectory(deep);
  makeDirectory(deep);
  assert.equal(statSync(deep).mode & 0o777, 0o700);
  const file = path.join(home, 'file');
  writeFileSync(file, '');
  makeDirectory(path.join(file, 'x'));
  assert.ok(statSync(file).isFile());
});

test('where no directory can be made there is an end, and a reason', () => {
  assert.throws(
    () => makeDirectory('/proc/podwire/x'),
    (error: Error) =>
      hasCode(error, 'CLI_DIRECTORY') && /^cannot use \/proc\/podwire\/x: \/proc takes no/.test(error.message),
  );
});
