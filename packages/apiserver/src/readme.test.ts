import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const directory = path.resolve(import.meta.dirname, '..');
const readme = readFileSync(path.join(directory, 'README.md'), 'utf8');
/** Each example and what it prints stand one behind the other. */
const examples = [...readme.matchAll(/```ts\n(.*?)```\n\n```text\n(.*?)```/gs)];

test('every example of the README prints what is shown below it', () => {
  assert.equal(examples.length, [...readme.matchAll(/```ts/g)].length);
  for (const [, code = '', output] of examples) {
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
    assert.equal(execFileSync(process.execPath, flags, { cwd: directory, timeout: 600_000 }).toString(), output);
  }
});
