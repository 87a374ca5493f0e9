import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { fileOf } from './fixture.ts';

test('the rules the README shows are those of its example', () => {
  const readme = fs.readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const shown = /```\n(chain [\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const indented = shown
    .trimEnd()
    .split('\n')
    .map((line) => `\t${line}\n`)
    .join('');
  assert.match(indented, /^\tchain ingress/);
  assert.ok(fs.readFileSync(fileOf('clinic', 'expected.nft'), 'utf8').includes(indented), indented);
});
