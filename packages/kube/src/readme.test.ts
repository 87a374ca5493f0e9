import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const directory = path.resolve(import.meta.dirname, '..');
const readme = readFileSync(path.join(directory, 'README.md'), 'utf8');
/** Those that need no cluster are followed by what they print. */
const examples = [...readme.matchAll(/```ts\n([^`]*?)```\n\n```text\n(.*?)```/gs)];

test('the examples of the README that need no cluster print what is shown below them', () => {
  assert.ok(examples.length > 0);
  for (const [, code = '', output] of examples) {
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
    assert.equal(execFileSync(process.execPath, flags, { cwd: directory, timeout: 600_000 }).toString(), output);
  }
});
