import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { APISERVER_ERRORS } from './errors.ts';

test('the README describes every error code, in the same words', async () => {
  const readme = await readFile(path.join(import.meta.dirname, '../README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)`\s*\| (.+?)\s*\|$/gm)].map(([, code, meaning]) => [code, meaning]);
  assert.deepEqual(Object.fromEntries(rows), APISERVER_ERRORS);
});
