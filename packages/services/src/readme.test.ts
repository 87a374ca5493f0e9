import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { SET_NAMES } from './nftables/layout.ts';
import { plan } from './nftables/plan.ts';

const directory = path.resolve(import.meta.dirname, '..');
const readme = readFileSync(path.join(directory, 'README.md'), 'utf8');

test('the examples of the README print what they say', () => {
  const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
  assert.equal(blocks.length, 1);
  for (const code of blocks) {
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
    const expected = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text);
    assert.equal(
      execFileSync(process.execPath, flags, { cwd: directory, encoding: 'utf8' }),
      `${expected.join('\n')}\n`,
    );
  }
});

test('the picture of the README shows every base chain and set', () => {
  const empty = plan({
    cluster: { podCidrs: [], serviceCidrs: [] },
    node: { name: 'n', addresses: [], nodePortAddresses: [], podCidrs: [] },
    services: [],
    foreignAddresses: [],
  });
  const chains = (empty.tables[0]?.chains ?? []).filter(({ base }) => base).map(({ name }) => name);
  const constants = ['pod-cidrs', 'node-pod-cidrs', 'dropped', 'rejected'];
  const names = [...chains, ...SET_NAMES.filter((name) => !constants.includes(name))];
  assert.deepEqual(
    names.filter((name) => !readme.includes(name)),
    [],
  );
});
