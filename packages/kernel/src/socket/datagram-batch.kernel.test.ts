import assert from 'node:assert/strict';
import test from 'node:test';
import { hasCode, parseIp } from '@podwire/base';
import { errnoName } from '../errno.ts';
import { withNetns } from '../testing.ts';
import { closing } from './closing.fixture.ts';
import { DatagramBatch } from './datagram-batch.ts';
import { openDatagramSocket } from './datagram-socket.ts';
import { encodeSockaddr } from './sockaddr.ts';
import { until } from './until.fixture.ts';

const openSocket = closing(openDatagramSocket);
const errorNames = (batch: DatagramBatch) =>
  Array.from(batch.errors.subarray(0, batch.count), (e) => e && errnoName(e));

test('a datagram that cannot be sent is reported by value and holds up no other', async () => {
  await withNetns(1, async (netns) => {
    const server = openSocket({ netns, address: '127.0.0.1', port: 0 });
    const client = openSocket({ netns, address: '127.0.0.1', port: 0 });
    const to = encodeSockaddr(server.localAddress.address, server.localAddress.port);
    const batch = new DatagramBatch({ count: 5, size: 65_535 });
    batch.put(0, Buffer.from('first'), to);
    batch.put(1, Buffer.alloc(65_535), to); // longer than UDP allows
    batch.put(2, Buffer.from('third'), to);
    batch.put(3, Buffer.from('nowhere'), encodeSockaddr(parseIp('192.0.2.1'), 9));
    batch.put(4, Buffer.from('fifth'), to);
    batch.count = 5;
    assert.equal(client.send(batch), 5);
    // bound to 127.0.0.1, it may not leave the loopback
    assert.deepEqual(errorNames(batch), [0, 'EMSGSIZE', 0, errnoName(batch.errors[3] ?? 0), 0]);
    assert.notEqual(batch.errors[3], 0);
    const back = new DatagramBatch({ count: 8, size: 4 });
    assert.equal(server.receive(back), 3);
    assert.deepEqual(
      [0, 1, 2].map((i) => String(back.bytesOf(i))),
      ['firs', 'thir', 'fift'],
    );
    assert.ok(back.isTruncated(0));
    batch.lengths[0] = 65_536;
    assert.throws(
      () => client.send(batch),
      (error) => hasCode(error, 'KERNEL_ENCODE'),
    );
    client.close();
    server.close();
  });
});

test('GSO and GRO: one slot is cut into datagrams, and they come together again with their size', async () => {
  await withNetns(1, async (netns) => {
    for (const address of ['127.0.0.1', '::1']) {
      const plain = openSocket({ netns, address, port: 0 });
      const joined = openSocket({ netns, address, port: 0, gro: true, packetInfo: true });
      const client = openSocket({ netns, address, port: 0 });
      const batch = new DatagramBatch({ count: 2, size: 65_535 });
      const content = Buffer.from(Array.from({ length: 5300 }, (_, i) => i & 255));
      for (const [i, server] of [plain, joined].entries()) {
        batch.put(i, content, encodeSockaddr(server.localAddress.address, server.localAddress.port));
        batch.segmentSizes[i] = 1000;
      }
      batch.count = 2;
      assert.equal(client.send(batch), 2);
      assert.deepEqual(errorNames(batch), [0, 0]);
      const cut = new DatagramBatch({ count: 8 });
      assert.equal(plain.receive(cut), 6);
      assert.deepEqual([...cut.lengths.subarray(0, 6)], [1000, 1000, 1000, 1000, 1000, 300]);
      assert.equal(joined.receive(batch), 1);
      assert.deepEqual([batch.lengths[0], batch.segmentSizes[0], batch.localAddressOf(0)], [5300, 1000, address]);
      assert.deepEqual(batch.bytesOf(0), content);
      for (const socket of [plain, joined, client]) socket.close();
    }
  });
});

test('many sockets share one batch', async () => {
  await withNetns(1, async (netns) => {
    const batch = new DatagramBatch({ count: 2, size: 65_535 });
    const got: string[] = [];
    const servers = [1, 2, 3].map((i) =>
      openSocket({
        netns,
        address: `127.0.0.${i}`,
        port: 53,
        batch,
        onDatagrams: (own, socket) => {
          assert.equal(own, batch);
          for (let k = 0; k < own.count; k++) got.push(`${socket.localAddress.address} ${own.bytesOf(k)}`);
        },
      }),
    );
    const client = openSocket({ netns, address: '127.0.0.9', port: 0 });
    for (let n = 0; n < 3; n++)
      for (const [i] of servers.entries()) client.sendTo(Buffer.from(`${n}`), `127.0.0.${i + 1}`, 53);
    await until(() => got.length === 9);
    const expected = [1, 2, 3].flatMap((i) => [0, 1, 2].map((n) => `127.0.0.${i} ${n}`));
    assert.deepEqual(got.sort(), expected);
  });
});
