import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { NET_ERRORS } from './errors.ts';

test('README and code table list the same codes', () => {
  const readme = fs.readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const listed = [...readme.matchAll(/^\| `(NET_\w+)` +\|/gm)].map((m) => m[1]);
  assert.deepEqual(listed.sort(), Object.keys(NET_ERRORS).sort());
});
