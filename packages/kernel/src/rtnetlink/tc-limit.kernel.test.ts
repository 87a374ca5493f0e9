import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { libc } from '../libc.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import type { Netns } from '../netns/netns.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { bindUdp } from '../socket/udp-socket.ts';
import { withNetns } from '../testing.ts';
import { untilLinkReady } from './link-ready.fixture.ts';
import { createClass } from './tc-class.ts';
import { createQdisc, listQdiscs } from './tc-qdisc.ts';

/*
 *   near: 10.9.0.1 v0 ──[qdisc]──────── v0 10.9.0.2 :far
 */
async function connect(near: Netns, far: Netns): Promise<void> {
  const ip = (netns: Netns, ...args: string[]) => execFileSync('ip', ['-n', netns.name ?? '', ...args]);
  ip(near, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v0', 'netns', far.name ?? '');
  ip(near, 'addr', 'add', '10.9.0.1/24', 'dev', 'v0');
  ip(far, 'addr', 'add', '10.9.0.2/24', 'dev', 'v0');
  for (const netns of [near, far]) ip(netns, 'link', 'set', 'v0', 'up');
  const mac =
    execFileSync('ip', ['-n', far.name ?? '', '-br', 'link', 'show', 'v0'])
      .toString()
      .split(/\s+/)[2] ?? '';
  ip(near, 'neigh', 'replace', '10.9.0.2', 'lladdr', mac, 'dev', 'v0');
  await untilLinkReady(near, 'v0');
}

const PACKETS = 60;
const PACKET = 958;
const FRAME = PACKET + 42;

/** Milliseconds until all packets that were sent at once have arrived. */
async function timeToArrive(near: Netns, far: Netns): Promise<number> {
  const receiver = await bindUdp({ netns: far, address: '10.9.0.2', port: 4000 });
  const sender = await bindUdp({ netns: near, address: '10.9.0.1', port: 4000 });
  try {
    let arrived = 0;
    const all = Promise.withResolvers<void>();
    receiver.on('message', () => {
      if (++arrived === PACKETS) all.resolve();
    });
    const started = performance.now();
    for (let i = 0; i < PACKETS; i++) sender.send(Buffer.alloc(PACKET), 4000, '10.9.0.2');
    await all.promise;
    return performance.now() - started;
  } finally {
    receiver.close();
    sender.close();
    await Promise.all([once(receiver, 'close'), once(sender, 'close')]);
  }
}

/** 60 kB at 2 Mbit/s take 240 ms, less what the bucket lets through at once. */
const EXPECTED_MS = (((PACKETS * FRAME - 10_000) * 8) / 2e6) * 1000;

const SHAPERS: Record<'tbf' | 'htb', (netlink: Netlink<'route'>, link: number) => void> = {
  tbf: (netlink, link) =>
    createQdisc(netlink, { link, handle: '1:', kind: 'tbf', options: { rate: 2e6, burst: 10_000, limit: 1e6 } }),
  htb(netlink, link) {
    createQdisc(netlink, { link, handle: '1:', kind: 'htb', options: { defaultClass: 1 } });
    const options = { rate: 2e6, burst: 10_000, ceilBurst: 10_000 };
    createClass(netlink, { link, parent: '1:', handle: '1:1', kind: 'htb', options });
  },
};

for (const [name, shape] of Object.entries(SHAPERS) as ['tbf' | 'htb', (typeof SHAPERS)['tbf']][]) {
  test(`${name} holds real packets to its rate and counts them`, {
    timeout: 600_000,
    skip: lacking(`qdisc-${name}`),
  }, async () => {
    await withNetns(2, async (near, far) => {
      await connect(near, far);
      const netlink = openNetlink('route', near);
      try {
        const link = near.run(() => libc.if_nametoindex('v0'));
        const unshaped = await timeToArrive(near, far);
        const most = EXPECTED_MS * 1.3 + unshaped + 100;
        shape(netlink, link);
        let shaped = Number.POSITIVE_INFINITY;
        // on a machine that stands still now and then it may take longer, but not each time
        for (let i = 0; i < 10 && shaped > most; i++) {
          shaped = await timeToArrive(near, far);
          assert.ok(shaped > EXPECTED_MS * 0.95, `${shaped} ms; ${EXPECTED_MS} ms at the rate`);
        }
        assert.ok(shaped < most, `${shaped} ms, ${unshaped} ms unshaped`);
        const [qdisc] = listQdiscs(netlink, link);
        const { packets = 0n, bytes = 0n } = qdisc?.stats ?? {};
        assert.ok(packets >= BigInt(PACKETS) && bytes >= BigInt(PACKETS * FRAME), `${packets} packets, ${bytes} bytes`);
      } finally {
        netlink.close();
      }
    });
  });
}
