import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommandLine } from './command-line.ts';

const COMMANDS: readonly (readonly string[])[] = [
  ['up'],
  ['down'],
  ['status'],
  ['check'],
  ['proxy-mode'],
  ['plan'],
  ['diff'],
  ['explain', '--from', 'a', '--to', 'b'],
  ['kubeconfig'],
  ['exec', 'pod', 'true'],
  ['kubectl'],
];

for (const [command = '', ...rest] of COMMANDS) {
  test(`${command}: a name that cannot be a lab's is a usage error`, async (t) => {
    let printed = '';
    t.mock.method(process.stderr, 'write', (text: string) => {
      printed += text;
      return true;
    });
    const codes: number[] = [];
    for (const name of ['..', 'a/b', '', 'Lab']) codes.push(await runCommandLine([command, '--name', name, ...rest]));
    t.mock.restoreAll();
    assert.deepEqual(codes, [2, 2, 2, 2]);
    assert.match(printed, /^podwire: "\.\." cannot be the name of a lab: write 1 to 8 of a-z/);
  });
}
