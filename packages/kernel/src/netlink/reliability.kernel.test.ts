import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { KernelError } from '../errors.ts';
import { AF, libc, MSG } from '../libc.ts';
import type { Netns } from '../netns/netns.ts';
import { withNetns } from '../testing.ts';
import { attributes, selectedBy } from './attribute.ts';
import { ByteWriter } from './byte-writer.ts';
import { bytes, pad, s32, struct, text, u8, u16, u32 } from './codec.ts';
import { registerLayouts } from './layout.ts';
import { type Netlink, openNetlink } from './netlink.ts';
import { encodeBody, messageHeader, type NetlinkMessage, NLM_F, writeMessage } from './netlink-message.ts';
import { openNetlinkSocket, receiveDatagram, sendDatagram } from './netlink-socket.ts';
import { subscribeNetlink } from './subscription.ts';

const [NEWLINK, NEWADDR, GETADDR] = [16, 20, 22];
const RTNLGRP_LINK = 1;
const CREATE = NLM_F.CREATE | NLM_F.EXCL;
const ifinfomsg = struct('ifinfomsg', { family: u8, _1: pad(1), type: u16, index: s32, flags: u32, change: u32 });
const vxlan = attributes('vxlan', { vni: [1, u32, 'IFLA_VXLAN_ID'] });
const info = attributes('info', {
  kind: [1, text, 'IFLA_INFO_KIND'],
  data: [2, selectedBy('kind', { vxlan }), 'IFLA_INFO_DATA'],
});
const link = attributes('link', {
  name: [3, text, 'IFLA_IFNAME'],
  mtu: [4, u32, 'IFLA_MTU'],
  info: [18, info, 'IFLA_LINKINFO'],
});
const ifaddrmsg = struct('ifaddrmsg', { family: u8, length: u8, flags: u8, scope: u8, index: u32 });
const address = attributes('address', { local: [2, bytes, 'IFA_LOCAL'] });
registerLayouts('route', { [NEWLINK]: { name: 'RTM_NEWLINK', header: ifinfomsg, table: link } });

const newLink = (values: Parameters<typeof link.write>[1]) => ({
  type: NEWLINK,
  flags: CREATE,
  body: encodeBody(ifinfomsg, {}, link, values),
  op: 'create a link',
});
const newAddress = (last: number) => ({
  type: NEWADDR,
  flags: CREATE,
  body: encodeBody(ifaddrmsg, { family: 2, length: 32, index: 1 }, address, {
    local: Buffer.from([10, 1, last >> 8, last & 255]),
  }),
  op: 'add an address',
});

async function withRoute(fn: (netlink: Netlink, netns: Netns) => void | Promise<void>): Promise<void> {
  await withNetns(1, async (netns) => {
    const netlink = openNetlink('route', netns);
    try {
      await fn(netlink, netns);
    } finally {
      netlink.close();
    }
  });
}

test("the attribute that the kernel's refusal is about is named, with what it may hold", async () => {
  await withRoute((netlink) => {
    const refusal = (values: Parameters<typeof link.write>[1]): KernelError => {
      const [error] = netlink.batch([newLink(values)]);
      assert.ok(error instanceof KernelError);
      return error;
    };
    const vxlan = refusal({ name: 'x0', info: { kind: 'vxlan', data: { vni: 1 << 24 } } });
    assert.equal(vxlan.attribute, 'IFLA_LINKINFO IFLA_INFO_DATA IFLA_VXLAN_ID');
    assert.match(
      vxlan.message,
      /^create a link: .* \(ERANGE\): .*VXLAN.* \[IFLA_LINKINFO IFLA_INFO_DATA IFLA_VXLAN_ID/,
    );
    const long = refusal({ name: 'a-name-of-more-than-15', info: { kind: 'bridge' } });
    assert.equal(long.attribute, 'IFLA_IFNAME');
    assert.match(long.message, /\[IFLA_IFNAME/);
    assert.equal(refusal({ name: 'x0', info: { kind: 'nosuchkind' } }).extack, 'Unknown device type');
  });
});

test('a list that changes while it is read is read again until it holds together', async () => {
  await withRoute(async (netlink, netns) => {
    const permanent = 600;
    const failures = netlink.batch(Array.from({ length: permanent }, (_, i) => newAddress(i)));
    assert.deepEqual(failures.filter(Boolean), []);
    const code = `
      import { parentPort, workerData } from 'node:worker_threads';
      import { openNetlink } from ${JSON.stringify(new URL('./netlink.ts', import.meta.url).href)};
      import { openNetns } from ${JSON.stringify(new URL('../netns/netns.ts', import.meta.url).href)};
      const netlink = openNetlink('route', openNetns(workerData.name));
      const body = Buffer.from(workerData.body);
      const stop = new Int32Array(workerData.stop);
      parentPort.postMessage('ready');
      while (Atomics.wait(stop, 0, 0, 1) !== 'not-equal')
        netlink.batch([{ type: 20, flags: 0x600, body }, { type: 21, flags: 0, body }]);
      netlink.close();`;
    const stop = new SharedArrayBuffer(4);
    const workerData = { name: netns.name, body: newAddress(50_000).body, stop };
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData });
    await once(worker, 'message');
    const request = { type: GETADDR, flags: 0, body: encodeBody(ifaddrmsg, { family: 2 }, address, {}), op: 'list' };
    try {
      for (let i = 0; i < 5000 && netlink.restarts < 5; i++) {
        const found = netlink.dump(request).map(({ body }) => {
          const { local } = address.read(body.subarray(ifaddrmsg.size));
          return Buffer.from(local ?? []).toString('hex');
        });
        assert.equal(new Set(found).size, found.length, 'an address is listed twice');
        const lasting = found.filter(
          (text) => text.startsWith('0a01') && Number.parseInt(text.slice(4), 16) < permanent,
        );
        assert.equal(lasting.length, permanent);
      }
      assert.ok(netlink.restarts > 0, 'no dump was interrupted; the test proved nothing');
    } finally {
      Atomics.store(new Int32Array(stop), 0, 1);
      Atomics.notify(new Int32Array(stop), 0);
      await once(worker, 'exit');
    }
  });
});

test('a subscription hands over messages, tells of an overflow, and goes on', async () => {
  await withRoute(async (netlink, netns) => {
    const names: string[] = [];
    let lost = 0;
    const watch = subscribeNetlink({
      protocol: 'route',
      netns,
      groups: [RTNLGRP_LINK],
      onMessages: (messages) => {
        for (const { type, body } of messages)
          if (type === NEWLINK) names.push(link.read(body.subarray(ifinfomsg.size)).name ?? '');
      },
      onLost: () => lost++,
    });
    try {
      netlink.request(newLink({ name: 'first', info: { kind: 'bridge' } }));
      await until(() => names.includes('first'));
      assert.equal(lost, 0);
      // every change of the MTU is a message; nobody reads while this thread writes
      const change = (mtu: number) => ({ ...newLink({ name: 'first', mtu }), flags: 0 });
      for (let round = 0; round < 60; round++)
        netlink.batch(Array.from({ length: 500 }, (_, i) => change(1000 + ((round + i) % 400))));
      await until(() => lost > 0);
      netlink.request(newLink({ name: 'second', info: { kind: 'bridge' } }));
      await until(() => names.includes('second'));
    } finally {
      watch.stop();
    }
  });
});

test('a subscription costs no CPU time while nothing happens, and may be stopped from its callback', async () => {
  await withRoute(async (netlink, netns) => {
    let calls = 0;
    const watch = subscribeNetlink({
      protocol: 'route',
      netns,
      groups: [RTNLGRP_LINK],
      onMessages: () => {
        calls++;
        watch.stop();
      },
      onLost: () => assert.fail('lost'),
    });
    let used = Number.POSITIVE_INFINITY;
    // V8 may still be compiling what ran before
    for (let i = 0; i < 10 && used >= 300_000; i++) {
      const before = process.cpuUsage();
      await sleep(1000);
      const { user, system } = process.cpuUsage(before);
      used = user + system;
    }
    assert.ok(used < 300_000, `${used} us of CPU time in a second of waiting`);
    netlink.batch([newLink({ name: 'a', info: { kind: 'bridge' } }), newLink({ name: 'b', info: { kind: 'bridge' } })]);
    await until(() => calls > 0);
    await sleep(20);
    assert.equal(calls, 1);
  });
});

test('datagrams that other programs send to the socket are passed over', async () => {
  await withNetns(1, (netns) => {
    const [mine, other] = netns.run(() => [openNetlinkSocket('route'), openNetlinkSocket('route')]);
    const exchange = { protocol: 'route', op: () => 'ask' } as const;
    const request = datagram({ type: 18, flags: 0, body: encodeBody(ifinfomsg, { index: 1 }, link, {}) });
    try {
      sendDatagram(mine, request, exchange);
      const answer = receiveDatagram(mine, 'route', MSG.DONTWAIT);
      assert.ok(answer instanceof Buffer);
      const { port } = messageHeader.read(answer);
      const address = Buffer.alloc(12);
      address.writeUInt16LE(AF.NETLINK, 0);
      address.writeUInt32LE(port, 4);
      assert.equal(libc.connect(other.fd, address, address.length), 0);
      sendDatagram(other, answer, exchange);
      assert.equal(receiveDatagram(mine, 'route', MSG.DONTWAIT), 'empty');
      sendDatagram(mine, request, exchange);
      assert.ok(receiveDatagram(mine, 'route', MSG.DONTWAIT) instanceof Buffer);
    } finally {
      for (const { fd } of [mine, other]) libc.close(fd);
    }
  });
});

function datagram(message: NetlinkMessage): Buffer {
  const out = new ByteWriter();
  writeMessage(out, message, { sequence: 1, flags: 0 });
  return out.finish();
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    assert.ok(waited < 120_000, 'waited in vain');
    await sleep(5);
  }
}
