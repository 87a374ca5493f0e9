import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { runCommandLine } from './command-line.ts';

const EXAMPLE = path.resolve(import.meta.dirname, '../../../examples/hello.yaml');
const ROWS: readonly (readonly [args: readonly string[], code: number, output: RegExp])[] = [
  [['--from', 'front-1', '--to', 'stock:80'], 0, /\ndelivered: pod default\/stock-/],
  [['--from', 'stock-1', '--to', 'stock:80', '--endpoint', 'stock-2'], 1, /\ndropped: node-/],
  [['--from', 'front-1', '--to', 'stock:80', '-o', 'json'], 0, /^\{\n {2}"from": "default\/front-1"/],
  [['--from', 'front-1', '--to', 'stock:80', '--endpoint', 'stock-3', '--backend', 'vxlan'], 0, / tunnel +VXLAN id 1/],
  [['--from', 'nobody', '--to', 'stock:80'], 2, /^podwire: there is no pod default\/nobody; pods there: front-1/],
];

for (const [args, code, output] of ROWS) {
  test(`explain ${args.join(' ')}`, async (t) => {
    const printed: string[] = [];
    t.mock.method(console, 'log', (line: string) => void printed.push(line));
    t.mock.method(process.stderr, 'write', (text: string) => printed.push(text) > 0);
    const exit = await runCommandLine(['explain', '-f', EXAMPLE, ...args]);
    t.mock.restoreAll();
    assert.match(printed.join('\n'), output);
    assert.equal(exit, code);
  });
}
