import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, parseIp } from '@podwire/base';
import { errnoName } from '../errno.ts';
import { isErrno } from '../errors.ts';
import type { Netns } from '../netns/netns.ts';
import { withNetns } from '../testing.ts';
import { closing } from './closing.fixture.ts';
import { DatagramBatch } from './datagram-batch.ts';
import { openDatagramSocket } from './datagram-socket.ts';
import type { DatagramSocket } from './message-socket.ts';
import { encodeSockaddr } from './sockaddr.ts';
import { until } from './until.fixture.ts';

const openSocket = closing(openDatagramSocket);

const ip = (netns: Netns, words: string) => execFileSync('ip', ['-n', netns.name ?? '', ...words.split(' ')]);
const refused = (error: unknown) => hasCode(error, 'KERNEL_ENCODE');
const errorNames = (batch: DatagramBatch) =>
  Array.from(batch.errors.subarray(0, batch.count), (e) => e && errnoName(e));

/** Datagram `n` of the echo test: its number, then bytes that depend on it. */
function writeDatagram(batch: DatagramBatch, i: number, n: number): void {
  const at = batch.offsetOf(i);
  const length = 4 + ((n * 7) % 1400);
  batch.data.fill(n & 255, at, at + length);
  batch.data.writeUInt32LE(n, at);
  batch.lengths[i] = length;
}

async function echoMany(client: DatagramSocket, server: DatagramSocket, total: number) {
  const [sent, received] = [createHash('sha256'), createHash('sha256')];
  const out = new DatagramBatch();
  const back = new DatagramBatch();
  const to = encodeSockaddr(server.localAddress.address, server.localAddress.port);
  let answered = 0;
  for (let n = 0; n < total; ) {
    out.count = Math.min(out.capacity, total - n);
    for (let i = 0; i < out.count; i++, n++) {
      writeDatagram(out, i, n);
      out.setPeer(i, to);
      sent.update(out.bytesOf(i));
    }
    for (let from = 0; from < out.count; ) {
      from = client.send(out, from);
      if (from < out.count) await client.writable();
    }
    for (const end = n; answered < end; ) {
      const count = client.receive(back);
      assert.ok(count >= 0);
      if (count === 0) await new Promise(setImmediate);
      for (let i = 0; i < count; i++, answered++) received.update(back.bytesOf(i));
    }
  }
  return { sent: sent.digest('hex'), received: received.digest('hex'), answered };
}

for (const address of ['127.0.0.1', '::1']) {
  test(`20,000 datagrams to ${address} are echoed in place, byte for byte and in order`, async () => {
    await withNetns(1, async (netns) => {
      let most = 0;
      const server = openSocket({
        netns,
        address,
        port: 0,
        onDatagrams(batch, socket) {
          most = Math.max(most, batch.count);
          assert.equal(socket.send(batch), batch.count);
        },
      });
      const client = openSocket({ netns, address, port: 0 });
      try {
        const result = await echoMany(client, server, 20_000);
        assert.equal(result.answered, 20_000);
        assert.equal(result.received, result.sent);
        assert.equal(most, 64);
        assert.equal(server.statistics().drops, 0);
      } finally {
        client.close();
        server.close();
      }
    });
  });
}

test('with packetInfo the answer comes from the address that was asked', async () => {
  await withNetns(1, async (netns) => {
    execFileSync('ip', ['-n', netns.name ?? '', 'addr', 'add', 'fd00::7/128', 'dev', 'lo']);
    for (const [any, asked, self] of [
      ['0.0.0.0', '127.0.0.7', '127.0.0.1'],
      ['::', 'fd00::7', '::1'],
    ] as const) {
      const locals: unknown[] = [];
      const server = openSocket({
        netns,
        address: any,
        port: 53,
        packetInfo: true,
        onDatagrams(batch, socket) {
          locals.push([batch.localAddressOf(0), batch.ifIndexes[0]]);
          socket.send(batch);
        },
      });
      const peers: unknown[] = [];
      const client = openSocket({
        netns,
        address: self,
        port: 0,
        onDatagrams: (batch) => peers.push(batch.peerOf(0)),
      });
      client.sendTo(Buffer.from('who'), asked, 53);
      await until(() => peers.length > 0);
      assert.deepEqual(locals, [[asked, 1]]);
      assert.deepEqual(peers, [{ address: asked, port: 53, scope: 0 }]);
      client.close();
      server.close();
    }
  });
});

test('link-local addresses work with their link as scope; broadcasts are answered from a local address', async () => {
  await withNetns(2, async (a, b) => {
    ip(a, `link add v0 type veth peer name v1 netns ${b.name}`);
    for (const [netns, link, last] of [
      [a, 'v0', 1],
      [b, 'v1', 2],
    ] as const) {
      ip(netns, `addr add fe80::${last}/64 dev ${link} nodad`);
      ip(netns, `addr add 10.0.0.${last}/24 brd 10.0.0.255 dev ${link}`);
      ip(netns, `link set ${link} up`);
    }
    const echo = (batch: DatagramBatch, socket: DatagramSocket) => void socket.send(batch);
    openSocket({ netns: b, address: '::', port: 53, packetInfo: true, onDatagrams: echo });
    openSocket({ netns: b, address: '0.0.0.0', port: 53, packetInfo: true, onDatagrams: echo });
    const [batch, back] = [new DatagramBatch({ count: 1 }), new DatagramBatch({ count: 1 })];
    batch.count = 1;
    const six = openSocket({ netns: a, address: 'fe80::1', port: 0, link: 'v0' });
    const { scope } = six.localAddress;
    assert.ok(scope > 0);
    batch.put(0, Buffer.from('who'), encodeSockaddr(parseIp('fe80::2'), 53, scope));
    six.send(batch);
    await until(() => six.receive(back) === 1);
    assert.deepEqual(back.peerOf(0), { address: 'fe80::2', port: 53, scope });
    const four = openSocket({ netns: a, address: '10.0.0.1', port: 0, broadcast: true });
    assert.ok(four.sendTo(Buffer.from('who'), '10.0.0.255', 53));
    await until(() => four.receive(back) === 1);
    assert.deepEqual(back.peerOf(0), { address: '10.0.0.2', port: 53, scope: 0 });
  });
});

test('a refused peer is ECONNREFUSED: once on receive, once on send, and as event', async () => {
  await withNetns(1, async (netns) => {
    const peer = { address: '127.0.0.1', port: 9 };
    const batch = new DatagramBatch({ count: 3 });
    for (let i = 0; i < 3; i++) batch.put(i, Buffer.from('x'));
    batch.count = 1;
    const client = openSocket({ netns, address: '127.0.0.1', port: 0, peer });
    assert.equal(client.send(batch), 1);
    assert.equal(errnoName(-client.receive(new DatagramBatch())), 'ECONNREFUSED');
    assert.equal(client.receive(new DatagramBatch()), 0);
    assert.equal(client.send(batch), 1);
    batch.count = 3;
    assert.equal(client.send(batch), 3);
    assert.deepEqual(errorNames(batch), ['ECONNREFUSED', 0, 0]);
    client.close();
    const errors: string[] = [];
    const listening = openSocket({
      netns,
      address: '127.0.0.1',
      port: 0,
      peer,
      onDatagrams: () => assert.fail('nobody answers'),
      onError: (name) => errors.push(name),
    });
    for (let i = 1; i <= 3; i++) {
      batch.count = 1;
      listening.send(batch);
      await until(() => errors.length === i);
    }
    await sleep(20);
    assert.deepEqual(errors, ['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED']);
    listening.close();
  });
});

test('values that do not fit are refused before the kernel sees them, and leave no descriptor open', async () => {
  await withNetns(1, async (netns) => {
    const at = { netns, address: '127.0.0.1', port: 0 };
    const open = () => fs.readdirSync('/proc/self/fd').length;
    const before = open();
    for (const wrong of [
      { port: 65_536 },
      { port: -1 },
      { port: 0.5 },
      { mark: 2 ** 32 + 1 },
      { mark: -1 },
      { receiveBuffer: 2 ** 31 },
      { sendBuffer: -1 },
      { batch: { count: 0 }, onDatagrams() {} },
    ])
      assert.throws(() => openSocket({ ...at, ...wrong }), refused, JSON.stringify(wrong));
    // cut at 15 bytes the name would be that of a link; an empty one would lift the binding
    ip(netns, 'link add a23456789012345 type veth');
    for (const link of ['a234567890123456', '', 'lo\0', 'nope0'])
      assert.throws(
        () => openSocket({ ...at, link }),
        (error) => isErrno(error, 'ENODEV'),
        link,
      );
    assert.equal(open(), before);
    const socket = openSocket({ ...at, link: 'a23456789012345' });
    assert.throws(() => socket.sendTo(Buffer.alloc(1), '127.0.0.1', 70_000), refused);
    const batch = new DatagramBatch({ count: 2 });
    for (const [from, to] of [
      [0.5, 1],
      [0, 3],
      [-1, 1],
      [0, Number.NaN],
    ] as const)
      assert.throws(() => socket.send(batch, from, to), refused, `${from} to ${to}`);
  });
});

test('errors say what to do: an address that no link has, a batch too large, a socket closed by `using`', async () => {
  await withNetns(1, (netns) => {
    assert.throws(
      () => openSocket({ netns, address: '10.9.9.9', port: 53 }),
      (error) =>
        isErrno(error, 'EADDRNOTAVAIL') && /has 10\.9\.9\.9: add it to one, or bind with freebind/.test(error.message),
    );
    openSocket({ netns, address: '10.9.9.9', port: 53, freebind: true }).close();
    assert.throws(() => new DatagramBatch({ count: 1025 }), /1025 datagrams; 1 to 1024/);
    assert.throws(() => new DatagramBatch({ size: 65_536 }), /65536 bytes; 1 to 65535/);
    let escaped: ReturnType<typeof openSocket>;
    let port: number;
    {
      using socket = openSocket({ netns, address: '127.0.0.1', port: 0 });
      escaped = socket;
      ({ port } = socket.localAddress);
    }
    const message = new RegExp(`datagram socket at 127.0.0.1:${port} is closed`);
    assert.throws(() => escaped.localAddress, { code: 'KERNEL_CLOSED', message });
  });
});

test('sockets with reusePort share a port, and a mark and a link can be set', async () => {
  await withNetns(1, async (netns) => {
    const at = { netns, address: '127.0.0.1', port: 53, reusePort: true, mark: 0x80000001, link: 'lo' } as const;
    const [a, b] = [openSocket(at), openSocket(at)];
    assert.equal(a.localAddress.port, b.localAddress.port);
    a.close();
    b.close();
  });
});
