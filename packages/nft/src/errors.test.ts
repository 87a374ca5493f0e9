import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { NFT_ERRORS } from './errors.ts';

test('the README lists every error code with its meaning', () => {
  const readme = fs.readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const listed = [...readme.matchAll(/^\| `(NFT_\w+)` +\| (.+?) +\|$/gm)].map(([, code, text]) => [code, text]);
  assert.deepEqual(listed, Object.entries(NFT_ERRORS));
});
