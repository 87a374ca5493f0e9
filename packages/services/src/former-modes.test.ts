import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { FormerModes } from './former-modes.ts';
import type { ProxyMode, ServiceProxy } from './proxy.ts';
import { PROXY_MODES } from './proxy-modes.ts';

/** Modes that write down what becomes of them; some refuse to be removed. */
function node(t: TestContext, refusing: readonly ProxyMode[] = []) {
  const directory = fs.mkdtempSync(path.join(tmpdir(), 'podwire-former-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const removed: string[] = [];
  const refuse = new Set(refusing);
  const proxy = (mode: ProxyMode): ServiceProxy => ({
    mode,
    ...(mode === 'ebpf' && { base: 'nftables' }),
    sync: () => ({ commands: 0 }),
    plan: () => [],
    diff: () => [],
    problems: () => [],
    limits: () => [],
    facts: () => ({}),
    close: () => {},
    cleanup: (successor) => {
      if (refuse.has(mode)) throw new Error(`${mode} refuses`);
      removed.push(successor ? `${mode} for ${successor}` : mode);
    },
  });
  const file = path.join(directory, 'proxy-modes.json');
  return {
    ...{ removed, refuse, proxy, file },
    recorded: () => JSON.parse(fs.readFileSync(file, 'utf8')),
    start: () => new FormerModes(directory, async (mode) => proxy(mode)),
  };
}

test('an agent that starts with another mode removes the former one when its own is in force, once', async (t) => {
  const { start, proxy, removed, recorded } = node(t);
  start().begin('iptables');
  const former = start();
  former.begin('nftables');
  assert.deepEqual([removed, recorded()], [[], ['nftables', 'iptables']]);
  assert.equal(await former.sweep(proxy('nftables')), undefined);
  assert.equal(await former.sweep(proxy('nftables')), undefined);
  assert.deepEqual([removed, recorded()], [['iptables for nftables'], ['nftables']]);
});

test('an agent that dies in a change leaves both modes in the record', async (t) => {
  const { start, proxy, removed } = node(t);
  const dying = start();
  dying.begin('nftables');
  dying.enter('userspace');
  const former = start();
  former.begin('iptables');
  await former.sweep(proxy('iptables'));
  assert.deepEqual(removed, ['nftables for iptables', 'userspace for iptables']);
});

test('what a mode is built on stays with it, and goes with it', async (t) => {
  const { start, proxy, removed, recorded } = node(t);
  const former = start();
  former.begin('nftables');
  former.enter('ebpf');
  await former.leave(proxy('nftables'), proxy('ebpf'));
  assert.deepEqual([removed, recorded()], [[], ['nftables', 'ebpf']]);
  const next = start();
  next.begin('ebpf');
  await next.sweep(proxy('ebpf'));
  assert.deepEqual(removed, []);
  next.enter('userspace');
  await next.leave(proxy('ebpf'), proxy('userspace'));
  assert.deepEqual([removed, recorded()], [['ebpf for userspace'], ['userspace']]);
});

test('what cannot be removed is tried again, and by the next agent; a mode that is entered again is none', async (t) => {
  const { start, proxy, removed, refuse, recorded } = node(t, ['iptables']);
  const former = start();
  former.begin('iptables');
  former.enter('nftables');
  await former.leave(proxy('iptables'), proxy('nftables'));
  assert.match(
    (await former.sweep(proxy('nftables'))) ?? '',
    /what mode iptables left is still in the kernel: iptables refuses/,
  );
  const next = start();
  next.begin('nftables');
  refuse.clear();
  assert.equal(await next.sweep(proxy('nftables')), undefined);
  assert.deepEqual([removed, recorded()], [['iptables for nftables'], ['nftables']]);
  former.enter('iptables');
  assert.equal(await former.sweep(proxy('iptables')), undefined);
  assert.deepEqual(recorded(), ['nftables', 'iptables']);
});

test('a record that cannot be understood: every mode is tried once, and none has to be there', async (t) => {
  const { start, proxy, removed, file, recorded } = node(t, ['iptables']);
  fs.writeFileSync(file, '["nft');
  const former = start();
  former.begin('nftables');
  assert.equal(await former.sweep(proxy('nftables')), undefined);
  assert.deepEqual(
    removed,
    PROXY_MODES.filter((mode) => mode !== 'nftables' && mode !== 'iptables').map((mode) => `${mode} for nftables`),
  );
  assert.deepEqual(recorded(), ['nftables']);
  const next = start();
  next.begin('nftables');
  assert.equal(await next.sweep(proxy('nftables')), undefined);
});

test('a mode that was in force is removed by a sweep when nobody came to remove it', async (t) => {
  const { start, proxy, removed, recorded } = node(t);
  const former = start();
  former.begin('iptables');
  former.enter('nftables');
  former.retire('iptables');
  assert.equal(await former.sweep(proxy('nftables')), undefined);
  assert.deepEqual([removed, recorded()], [['iptables for nftables'], ['nftables']]);
});

test('a mode that departs with its connections stays in the record for the next agent', async (t) => {
  const { start, proxy, recorded } = node(t);
  const former = start();
  former.begin('ipvs');
  former.enter('nftables');
  let ended = 0;
  await former.leave({ ...proxy('ipvs'), departure: { end: () => ended++ } }, proxy('nftables'));
  assert.deepEqual([await former.sweep(proxy('nftables')), recorded()], [undefined, ['nftables', 'ipvs']]);
  former.close();
  former.close();
  assert.equal(ended, 1, 'nothing is swept after the room has stopped');
  const next = start();
  next.begin('nftables');
  await next.sweep(proxy('nftables'));
  assert.deepEqual(recorded(), ['nftables']);
});

test('cleanup removes every mode of the record and the record', async (t) => {
  const { start, removed, file } = node(t);
  const former = start();
  former.begin('iptables');
  former.enter('userspace');
  await former.cleanup('userspace');
  assert.deepEqual([removed, fs.existsSync(file)], [['userspace', 'iptables'], false]);
});

test('cleanup tries every mode, also behind one that refuses, and keeps the record of what stays', async (t) => {
  const { start, removed, refuse, file } = node(t, ['userspace', 'iptables']);
  const former = start();
  former.begin('nftables');
  former.enter('iptables');
  former.enter('userspace');
  await assert.rejects(former.cleanup('userspace'), /^AggregateError: userspace refuses; iptables refuses$/);
  assert.deepEqual([removed, fs.existsSync(file)], [['nftables'], true]);
  refuse.delete('iptables');
  await assert.rejects(former.cleanup('userspace'), /^Error: userspace refuses$/);
  refuse.clear();
  await former.cleanup('userspace');
  assert.equal(fs.existsSync(file), false);
});
