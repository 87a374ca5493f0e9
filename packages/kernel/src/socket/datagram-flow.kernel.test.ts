import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, parseIp } from '@podwire/base';
import { withNetns } from '../testing.ts';
import { closing } from './closing.fixture.ts';
import { DatagramBatch } from './datagram-batch.ts';
import { openDatagramSocket } from './datagram-socket.ts';
import { encodeSockaddr } from './sockaddr.ts';
import { until } from './until.fixture.ts';

const openSocket = closing(openDatagramSocket);
const closed = (error: unknown) => hasCode(error, 'KERNEL_CLOSED');

test('a full send buffer ends a batch early; writable() says when to go on', async () => {
  await withNetns(1, async (netns) => {
    const ip = (...words: string[]) => execFileSync('ip', ['-n', netns.name ?? '', ...words]);
    ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    for (const link of ['v0', 'v1']) ip('link', 'set', link, 'up');
    ip('addr', 'add', '192.0.2.1/24', 'dev', 'v0');
    const client = openSocket({ netns, address: '192.0.2.1', port: 0, sendBuffer: 9000 });
    const batch = new DatagramBatch();
    // nobody answers for 192.0.2.2, so that the datagrams stay in the neighbour's queue
    for (let i = 0; i < 64; i++) batch.put(i, Buffer.alloc(1000, i), encodeSockaddr(parseIp('192.0.2.2'), 9));
    batch.count = 64;
    const first = client.send(batch);
    assert.ok(first > 0 && first < 64, `${first} sent at once`);
    let isWritable = false;
    const room = client.writable().then(() => {
      isWritable = true;
    });
    await sleep(20);
    assert.ok(!isWritable);
    ip('neigh', 'replace', '192.0.2.2', 'lladdr', '02:00:00:00:00:01', 'dev', 'v0');
    await room;
    let next = first;
    while (next < 64) {
      next = client.send(batch, next);
      if (next < 64) await client.writable();
    }
    client.close();
    await assert.rejects(client.writable(), closed);
    const other = openSocket({ netns, address: '192.0.2.1', port: 0, sendBuffer: 9000 });
    for (let i = 0; i < 64; i++) batch.setPeer(i, encodeSockaddr(parseIp('192.0.2.3'), 9));
    assert.ok(other.send(batch) < 64);
    const waiting = assert.rejects(other.writable(), closed);
    other.close();
    await waiting;
  });
});

test('pause leaves datagrams in the kernel, which drops and counts what does not fit', async () => {
  await withNetns(1, async (netns) => {
    let received = 0;
    const server = openSocket({
      netns,
      address: '127.0.0.1',
      port: 0,
      receiveBuffer: 20_000,
      onDatagrams: (batch) => {
        received += batch.count;
      },
    });
    const client = openSocket({ netns, address: '127.0.0.1', port: 0 });
    server.pause();
    for (let i = 0; i < 100; i++) client.sendTo(Buffer.alloc(1000), '127.0.0.1', server.localAddress.port);
    await sleep(20);
    assert.equal(received, 0);
    const { drops } = server.statistics();
    assert.ok(drops > 0 && drops < 100, `${drops} drops`);
    server.resume();
    await until(() => received === 100 - drops);
    client.close();
    server.close();
  });
});

test('pause inside the callback takes effect at once, resume goes on', async () => {
  await withNetns(1, async (netns) => {
    let received = 0;
    const server = openSocket({
      netns,
      address: '127.0.0.1',
      port: 0,
      batch: { count: 1 },
      onDatagrams(_batch, socket) {
        received++;
        socket.pause();
      },
    });
    const client = openSocket({ netns, address: '127.0.0.1', port: 0 });
    for (let i = 0; i < 5; i++) client.sendTo(Buffer.from('x'), '127.0.0.1', server.localAddress.port);
    for (let turn = 1; turn <= 5; turn++) {
      await until(() => received === turn);
      await sleep(5);
      assert.equal(received, turn);
      server.resume();
    }
  });
});

test('close() inside the callback ends it; every later use is KERNEL_CLOSED', async () => {
  await withNetns(1, async (netns) => {
    let calls = 0;
    const server = openSocket({
      netns,
      address: '127.0.0.1',
      port: 0,
      batch: { count: 1 },
      onDatagrams(_batch, socket) {
        calls++;
        socket.close();
        socket.close();
      },
    });
    const client = openSocket({ netns, address: '127.0.0.1', port: 0 });
    const { port } = server.localAddress;
    for (let i = 0; i < 3; i++) client.sendTo(Buffer.from('x'), '127.0.0.1', port);
    await until(() => calls > 0);
    await sleep(20);
    assert.equal(calls, 1);
    const batch = new DatagramBatch();
    for (const use of [
      () => server.receive(batch),
      () => server.send(batch),
      () => server.sendTo(Buffer.from('x'), '127.0.0.1', 1),
      () => server.localAddress,
      () => server.statistics(),
      () => server.fd,
      () => server.pause(),
      () => server.resume(),
      () => server.keepAlive(true),
    ]) {
      assert.throws(use, closed);
    }
    client.close();
  });
});
