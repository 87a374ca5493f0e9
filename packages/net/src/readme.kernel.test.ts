import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { deleteNetns } from '@podwire/kernel';

const directory = path.resolve(import.meta.dirname, '..');
const readme = fs.readFileSync(path.join(directory, 'README.md'), 'utf8');
/** Each example and what it prints stand one behind the other. */
const examples = [...readme.matchAll(/([^\n]*)\n\n```ts\n(.*?)```\n\n```text\n(.*?)```/gs)];

test('every example of the README prints what is shown below it', () => {
  assert.equal(examples.length, [...readme.matchAll(/```ts/g)].length);
  const prefix = `pwt-readme-${process.pid}`;
  const run = (code: string) => {
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
    return execFileSync(process.execPath, flags, { cwd: directory }).toString();
  };
  try {
    for (const [, title, code = '', output] of examples)
      assert.equal(run(code.replaceAll("'example-", `'${prefix}-`)), output, title);
  } finally {
    for (const side of ['left', 'right']) deleteNetns(`${prefix}-${side}`);
  }
});
