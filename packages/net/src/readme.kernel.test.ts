import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { deleteNetns } from '@podwire/kernel';

const directory = path.resolve(import.meta.dirname, '..');

test('the example of the README runs', () => {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(fs.readFileSync(path.join(directory, 'README.md'), 'utf8')) ?? [];
  const prefix = `pwt-readme-${process.pid}`;
  const flags = [
    '--disable-warning=ExperimentalWarning',
    '--input-type=module-typescript',
    '--eval',
    code.replaceAll("'example-", `'${prefix}-`),
  ];
  try {
    const output = execFileSync(process.execPath, flags, { cwd: directory }).toString();
    assert.equal(output, "[ '0.0.0.0/0 via 192.0.2.1', '192.0.2.0/24 via eth0' ]\n");
  } finally {
    for (const side of ['left', 'right']) deleteNetns(`${prefix}-${side}`);
  }
});
