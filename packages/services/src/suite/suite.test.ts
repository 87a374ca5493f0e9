import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { CHANGE_NAMES } from './changes.ts';
import { COVERAGE } from './coverage.ts';
import { SUITE } from './index.ts';

const PACKAGES = path.join(import.meta.dirname, '..', '..', '..');
const NAMES = [...SUITE.map(({ name }) => name), ...CHANGE_NAMES];
const citing = (number: string): string[] => NAMES.filter((name) => new RegExp(`\\b${number}\\b`).test(name));

test('every promise of a Service has a case or a change, or names the test it has', () => {
  const uncovered = Object.entries(COVERAGE).filter(
    ([number, { tests, open }]) => citing(number).length === 0 && !tests && !open,
  );
  assert.deepEqual(uncovered, []);
  const numbers = Array.from({ length: 34 }, (_, i) => `SVC-${i + 1}`);
  assert.deepEqual(Object.keys(COVERAGE), numbers);
});

test('what is covered elsewhere is there, and nothing open is covered', () => {
  for (const [number, { tests = {}, open }] of Object.entries(COVERAGE)) {
    for (const [file, title] of Object.entries(tests)) {
      const text = existsSync(path.join(PACKAGES, file)) ? readFileSync(path.join(PACKAGES, file), 'utf8') : '';
      assert.ok(text.includes(title), `${number}: ${file} has no test "${title}"`);
    }
    assert.equal(Boolean(open) && citing(number).length > 0, false, `${number} is open and has cases`);
  }
});

test('names cite numbers that exist; no two are the same', () => {
  for (const name of NAMES)
    for (const [cited] of name.matchAll(/SVC-\d+/g)) assert.ok(COVERAGE[cited], `${cited} in: ${name}`);
  assert.equal(new Set(NAMES).size, NAMES.length);
  assert.deepEqual(
    SUITE.filter(({ name }) => !/SVC-\d+/.test(name)).map(({ name }) => name),
    [],
  );
});

test('several hundred cases of client, address and outcome, in each family', () => {
  for (const family of ['ipv4', 'ipv6']) {
    const probes = SUITE.filter(({ name }) => name.endsWith(family)).flatMap(({ steps }) =>
      steps.flatMap((step) => step.probes),
    );
    assert.ok(probes.length >= 700, `${probes.length} in ${family}`);
    for (const { from, to, fails, servers, sourceAt, grouped, distinct, shares } of probes)
      assert.ok(fails ?? servers ?? sourceAt ?? grouped ?? distinct ?? shares, `${from} to ${to} expects nothing`);
  }
});

test('every mode runs the suite (SVC-32)', () => {
  const directory = path.join(import.meta.dirname, '..');
  for (const mode of ['nftables', 'iptables', 'ipvs', 'userspace', 'ebpf']) {
    const file = readdirSync(path.join(directory, mode)).find((name) => /^suite\.(kernel|vm)\.test\.ts$/.test(name));
    const text = file ? readFileSync(path.join(directory, mode, file), 'utf8') : '';
    assert.match(text, /runCases\(t, world, SUITE\)/, mode);
    assert.match(text, /runChanges\(t, world\)/, mode);
  }
});
