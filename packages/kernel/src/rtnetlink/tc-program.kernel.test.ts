import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Instruction } from '../bpf/instruction.ts';
import { exit, mov, r0 } from '../bpf/mnemonic.ts';
import { loadProgram } from '../bpf/program.ts';
import { libc } from '../libc.ts';
import { openNetlink } from '../netlink/netlink.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { bindUdp } from '../socket/udp-socket.ts';
import { withNetns } from '../testing.ts';
import { untilLinkReady } from './link-ready.fixture.ts';
import { createFilter, listFilters, replaceFilter } from './tc-filter.ts';
import { createQdisc, listQdiscs } from './tc-qdisc.ts';

const TC_ACT = { OK: 0, SHOT: 2 } as const;
const returns = (value: number): Instruction[] => [mov(r0, value), exit()];

test('a program decides about packets that arrive, and is replaced in place', {
  skip: lacking('tc-bpf', 'bpf-sched-cls'),
}, async () => {
  await withNetns(2, async (near, far) => {
    const ip = (words: string) => execFileSync('ip', words.split(' '));
    ip(`-n ${near.name} link add v0 type veth peer name v0 netns ${far.name}`);
    for (const [netns, n] of [
      [near, 1],
      [far, 2],
    ] as const) {
      ip(`-n ${netns.name} addr add 10.9.0.${n}/24 dev v0`);
      ip(`-n ${netns.name} link set v0 up`);
    }
    await untilLinkReady(near, 'v0');
    const receiver = await bindUdp({ netns: far, address: '10.9.0.2', port: 4000 });
    const sender = await bindUdp({ netns: near, address: '10.9.0.1', port: 4000 });
    const netlink = openNetlink('route', far);
    using drop = loadProgram({ type: 'sched_cls', name: 'drop', instructions: returns(TC_ACT.SHOT) });
    using pass = loadProgram({ type: 'sched_cls', name: 'pass', instructions: returns(TC_ACT.OK) });
    try {
      const got: string[] = [];
      receiver.on('message', (message) => got.push(String(message)));
      const link = far.run(() => libc.if_nametoindex('v0'));
      const place = { link, parent: 'ingress', etherType: 'ip', priority: 1, handle: 1 } as const;
      createQdisc(netlink, { link, kind: 'clsact' });
      createFilter(netlink, { ...place, kind: 'bpf', name: 'drop', fd: drop.fd, directAction: true });
      const [filter] = listFilters(netlink, place);
      assert.partialDeepStrictEqual(filter, {
        ...place,
        kind: 'bpf',
        name: 'drop',
        directAction: true,
        programId: drop.info().id,
      });
      sender.send('first', 4000, '10.9.0.2');
      const dropped = () =>
        listQdiscs(netlink, link).some(({ kind, stats }) => kind === 'clsact' && (stats?.drops ?? 0) > 0);
      for (let i = 0; i < 1500 && !dropped(); i++) await setTimeout(20);
      assert.ok(dropped());
      replaceFilter(netlink, { ...place, kind: 'bpf', name: 'pass', fd: pass.fd, directAction: true });
      assert.equal(listFilters(netlink, place).length, 1);
      sender.send('second', 4000, '10.9.0.2');
      for (let i = 0; i < 1500 && got.length === 0; i++) await setTimeout(20);
      assert.deepEqual(got, ['second']);
    } finally {
      for (const socket of [receiver, sender]) socket.close();
      netlink.close();
    }
  });
});
