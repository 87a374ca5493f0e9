import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { withNetns } from '@podwire/kernel/testing';

const directory = path.resolve(import.meta.dirname, '..');
const readme = fs.readFileSync(path.join(directory, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```ts\n(.*?)```\n\n```text\n(.*?)```/gs)];

test('the README has five examples or more', () => {
  assert.ok(examples.length >= 5);
});

for (const [i, [, code = '', output = '']] of examples.entries()) {
  test(`example ${i + 1} of the README prints what it says`, () =>
    withNetns(1, (netns) => {
      const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module-typescript'];
      const args = ['netns', 'exec', String(netns.name), ...node, '--eval', code];
      const printed = execFileSync('ip', args, { cwd: directory }).toString();
      assert.equal(printed.replace(/[ \t]+$/gm, '').trimEnd(), output.trimEnd());
    }));
}
