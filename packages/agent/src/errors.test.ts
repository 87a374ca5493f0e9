import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AGENT_ERRORS } from './errors.ts';

test('the README lists every error code with its meaning', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const listed = [...readme.matchAll(/^\| `(AGENT_\w+)` +\| (.+?) +\|$/gm)].map(([, code, text]) => [code, text]);
  assert.deepEqual(listed, Object.entries(AGENT_ERRORS));
});
