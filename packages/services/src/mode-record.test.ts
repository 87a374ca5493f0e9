import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ModeRecord } from './mode-record.ts';
import { PROXY_MODES } from './proxy-modes.ts';

function runDirectory(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(tmpdir(), 'podwire-modes-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  return directory;
}

test('what is added is there for the next one, until it is removed; for root only, and whole', (t) => {
  const directory = runDirectory(t);
  const record = new ModeRecord(directory);
  assert.deepEqual(record.read(), { modes: [], certain: true });
  record.add('iptables');
  record.add('nftables');
  record.add('iptables');
  assert.deepEqual(new ModeRecord(directory).read().modes, ['nftables', 'iptables']);
  assert.deepEqual(fs.readdirSync(directory), ['proxy-modes.json']);
  assert.equal(fs.statSync(path.join(directory, 'proxy-modes.json')).mode & 0o777, 0o600);
  record.remove('iptables', 'ebpf');
  assert.deepEqual(new ModeRecord(directory).read().modes, ['nftables']);
  record.end();
  assert.deepEqual(fs.readdirSync(directory), []);
  assert.deepEqual(record.problems, []);
});

test('a file that cannot be understood may mean every mode; words nobody knows mean none', (t) => {
  const directory = runDirectory(t);
  const record = new ModeRecord(directory);
  for (const [text, modes] of [
    ['["nftables", "magic"]', ['nftables']],
    ['[]', []],
    ['', PROXY_MODES],
    ['["nftables"', PROXY_MODES],
    ['{}', PROXY_MODES],
  ] as const) {
    fs.writeFileSync(path.join(directory, 'proxy-modes.json'), text);
    assert.deepEqual(record.read(), { modes, certain: modes !== PROXY_MODES }, text);
  }
});

test('without a directory nothing is kept, and nobody minds; one that takes no file is a problem', (t) => {
  const directory = runDirectory(t);
  const nowhere = new ModeRecord(path.join(directory, 'none'));
  nowhere.add('ebpf');
  assert.deepEqual([nowhere.read().modes, nowhere.problems], [[], []]);
  fs.mkdirSync(path.join(directory, 'proxy-modes.json.next'));
  const blocked = new ModeRecord(directory);
  blocked.add('ebpf');
  assert.match(blocked.problems.join(), /proxy-modes\.json cannot be written \(.*EISDIR/);
  fs.rmdirSync(path.join(directory, 'proxy-modes.json.next'));
  blocked.add('ebpf');
  assert.deepEqual([blocked.read().modes, blocked.problems], [['ebpf'], []]);
});
