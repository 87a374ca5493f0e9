import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type net from 'node:net';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '@podwire/base';
import { errnoName } from '../errno.ts';
import { isErrno } from '../errors.ts';
import type { Netns } from '../netns/netns.ts';
import { closing } from '../socket/closing.fixture.ts';
import { DatagramBatch } from '../socket/datagram-batch.ts';
import { openDatagramSocket } from '../socket/datagram-socket.ts';
import { openRawSocket } from '../socket/raw-socket.ts';
import { connectTcp } from '../socket/tcp-connection.ts';
import { listenTcp } from '../socket/tcp-listener.ts';
import { until } from '../socket/until.fixture.ts';
import { withNetns } from '../testing.ts';
import { internetChecksum } from './checksum.ts';
import { segmentFrame } from './segmentation.ts';
import { openTun, type Tun } from './tun.ts';
import type { TunQueue } from './tun-queue.ts';
import { decodeVirtioNetHeader, encodeVirtioNetHeader, VIRTIO_NET_HEADER_SIZE } from './virtio-net-header.ts';

const openLink = closing(openTun);
const openSocket = closing(openDatagramSocket);
const openRaw = closing(openRawSocket);

const ip = (netns: Netns, words: string) =>
  execFileSync('ip', ['-n', netns.name ?? '', ...words.split(' ')], { stdio: 'pipe' }).toString();

function raise(netns: Netns, tun: Tun, ...addresses: string[]): void {
  for (const address of addresses)
    ip(netns, `addr add ${address} dev ${tun.name} ${address.includes(':') ? 'nodad' : ''}`.trim());
  ip(netns, `link set ${tun.name} up`);
}

/** Turns an ICMP echo request (RFC 792) into its reply, in place; false for another packet. */
function answerEcho(packet: Buffer): boolean {
  const start = (packet.readUInt8(0) & 15) * 4;
  if (packet.readUInt8(0) >> 4 !== 4 || packet.readUInt8(9) !== 1 || packet.readUInt8(start) !== 8) return false;
  const source = Buffer.from(packet.subarray(12, 16));
  packet.copy(packet, 12, 16, 20);
  source.copy(packet, 16);
  packet.writeUInt8(0, start);
  packet.writeUInt16BE(0, start + 2);
  packet.writeUInt16BE(internetChecksum(packet, start), start + 2);
  return true;
}

test('pings into a tun link are answered by the program', async () => {
  await withNetns(1, async (netns) => {
    const onFrame = (queue: TunQueue, length: number) => {
      if (answerEcho(queue.buffer.subarray(0, length))) assert.equal(queue.write(queue.buffer, length), length);
    };
    const tun = openLink({ netns, name: 'tun7', onFrame });
    raise(netns, tun, '10.9.0.1/24');
    const replies: string[] = [];
    const pinger = openRaw({
      netns,
      family: 'ipv4',
      protocol: 'icmp',
      onDatagrams(batch) {
        for (let i = 0; i < batch.count; i++) {
          const packet = batch.bytesOf(i);
          assert.equal(internetChecksum(packet, 20), 0);
          replies.push(`${batch.peerOf(i)?.address} ${packet.readUInt8(20)} ${packet.readUInt16BE(26)}`);
        }
      },
    });
    for (let sequence = 1; sequence <= 200; sequence++) {
      const echo = Buffer.alloc(8 + (sequence % 1400), sequence);
      echo.writeUInt32BE(0x08000000, 0);
      echo.writeUInt32BE(sequence, 4);
      echo.writeUInt16BE(internetChecksum(echo), 2);
      pinger.sendTo(echo, `10.9.0.${2 + (sequence % 100)}`, 0);
      if (sequence % 50 === 0) await until(() => replies.length === sequence);
    }
    assert.deepEqual(replies[199], '10.9.0.2 0 200');
    pinger.close();
    tun.close();
  });
});

/** What a wire of two tun links carried. */
interface Carried {
  frames: number;
  superFrames: number;
  longest: number;
}

/** Gives each frame of one link to the other, as it is or in pieces. */
function carry(to: () => Tun, carried: Carried, inPieces: boolean) {
  return (queue: TunQueue, length: number): void => {
    const header = decodeVirtioNetHeader(queue.buffer);
    carried.frames++;
    if (header.gso !== 'none') carried.superFrames++;
    carried.longest = Math.max(carried.longest, length);
    const [other] = to().queues;
    if (!inPieces) {
      assert.equal(other.write(queue.buffer, length), length);
      return;
    }
    for (const segment of segmentFrame(queue.buffer.subarray(VIRTIO_NET_HEADER_SIZE, length), header)) {
      const frame = Buffer.concat([Buffer.alloc(VIRTIO_NET_HEADER_SIZE), segment]);
      assert.ok(segment.length <= 1500, `${segment.length} bytes`);
      assert.equal(other.write(frame), frame.length);
    }
  };
}

async function transfer(a: Netns, b: Netns, address: string): Promise<{ sent: string; received: string }> {
  const server = await listenTcp({ netns: b, address, port: 5000 });
  try {
    const connection = once(server, 'connection');
    const client = await connectTcp({ netns: a, address, port: 5000, timeout: 60_000 });
    const [socket] = (await connection) as [net.Socket];
    const content = randomBytes(8 << 20);
    client.end(content);
    const hash = createHash('sha256');
    for await (const chunk of socket) hash.update(chunk as Buffer);
    // the links go away next, and with them the way for a last FIN
    for (const end of [client, socket]) end.destroy();
    return { sent: createHash('sha256').update(content).digest('hex'), received: hash.digest('hex') };
  } finally {
    server.close();
  }
}

for (const inPieces of [false, true]) {
  test(`TCP through two tun links, super-frames ${inPieces ? 'cut apart by the program' : 'carried whole'}`, async () => {
    await withNetns(2, async (a, b) => {
      const carried: Carried = { frames: 0, superFrames: 0, longest: 0 };
      const offloads = ['csum', 'tso4', 'tso6', 'ecn'] as const;
      const left: Tun = openLink({ netns: a, offloads, onFrame: carry(() => right, carried, inPieces) });
      const right: Tun = openLink({ netns: b, offloads, onFrame: carry(() => left, carried, inPieces) });
      raise(a, left, '10.9.0.1/24', 'fd09::1/64');
      raise(b, right, '10.9.0.2/24', 'fd09::2/64');
      try {
        for (const address of ['10.9.0.2', 'fd09::2']) {
          const { sent, received } = await transfer(a, b, address);
          assert.equal(received, sent);
        }
        assert.ok(carried.superFrames > 100, JSON.stringify(carried));
        assert.ok(carried.longest > 30_000, JSON.stringify(carried));
        // 16 MiB in packets of 1,500 bytes would be more than 11,000 frames
        if (!inPieces) assert.ok(carried.frames < 8000, JSON.stringify(carried));
      } finally {
        left.close();
        right.close();
      }
    });
  });
}

/** Sends one slot that is to be cut into ten datagrams, by a tun link, and returns the frames that came out of it. */
async function sendSegmented(netns: Netns, { target, offloads, count }: Segmented) {
  const frames: Buffer[] = [];
  const onFrame = (queue: TunQueue, length: number) => {
    const frame = Buffer.from(queue.buffer.subarray(0, length));
    const protocol = frame[VIRTIO_NET_HEADER_SIZE + (target.includes(':') ? 6 : 9)];
    if (protocol === 17) frames.push(frame);
  };
  const tun = openLink({ netns, vnetHeader: true, offloads, onFrame });
  raise(netns, tun, '10.9.0.1/24', 'fd09::1/64');
  const self = target.includes(':') ? 'fd09::1' : '10.9.0.1';
  const socket = openSocket({ netns, address: self, port: 0, peer: { address: target, port: 9 } });
  const batch = new DatagramBatch({ count: 1, size: 65_535 });
  batch.put(0, Buffer.alloc(9500, 'datagram'));
  batch.segmentSizes[0] = 1000;
  batch.count = 1;
  assert.equal(socket.send(batch), 1);
  assert.equal(batch.errors[0], 0);
  await until(() => frames.length >= count);
  await sleep(30);
  socket.close();
  tun.close();
  return frames;
}

interface Segmented {
  readonly target: string;
  readonly offloads: readonly ('uso' | 'csum')[];
  /** How many frames are to come out of it. */
  readonly count: number;
}

for (const target of ['10.9.0.2', 'fd09::2']) {
  const headers = VIRTIO_NET_HEADER_SIZE + (target.includes(':') ? 40 : 20) + 8;
  test(`UDP_SEGMENT to ${target}: ten datagrams on the wire, or one super-frame where uso is on`, async () => {
    await withNetns(1, async (netns) => {
      const cut = await sendSegmented(netns, { target, offloads: [], count: 10 });
      const lengths = cut.map((frame) => frame.length - headers);
      assert.deepEqual(lengths, [...Array(9).fill(1000), 500]);
      const [whole, ...more] = await sendSegmented(netns, { target, offloads: ['uso'], count: 1 });
      assert.equal(more.length, 0);
      assert.ok(whole);
      const header = decodeVirtioNetHeader(whole);
      assert.deepEqual([header.gso, header.segmentSize], ['udp', 1000]);
      const pieces = segmentFrame(whole.subarray(VIRTIO_NET_HEADER_SIZE), header);
      // ports and IPv4 identification differ between the two sockets; the payloads do not
      const payloads = (list: Buffer[], at: number) => list.map((frame) => frame.toString('hex', at));
      assert.deepEqual(payloads(pieces, headers - VIRTIO_NET_HEADER_SIZE), payloads(cut, headers));
    });
  });
}

test('super-frames given to the kernel arrive as the datagrams they are', async () => {
  await withNetns(1, async (netns) => {
    let whole: Buffer | undefined;
    const tun = openLink({
      netns,
      offloads: ['uso'],
      onFrame(queue, length) {
        if (queue.buffer[VIRTIO_NET_HEADER_SIZE + 9] === 17) whole = Buffer.from(queue.buffer.subarray(0, length));
      },
    });
    raise(netns, tun, '10.9.0.1/24');
    const taker = openSocket({ netns, address: '10.9.0.1', port: 9 });
    const giver = openSocket({ netns, address: '10.9.0.1', port: 0, peer: { address: '10.9.0.2', port: 9 } });
    const batch = new DatagramBatch({ count: 1, size: 65_535 });
    batch.put(0, Buffer.alloc(9500, 'datagram'));
    batch.segmentSizes[0] = 1000;
    batch.count = 1;
    giver.send(batch);
    await until(() => whole !== undefined);
    const frame: Buffer = whole ?? Buffer.alloc(0);
    // from 10.9.0.1 to .2 becomes from .2 to .1: the sums of addresses, and so all checksums, stay right
    const source = Buffer.from(frame.subarray(22, 26));
    frame.copy(frame, 22, 26, 30);
    source.copy(frame, 26);
    assert.equal(tun.queues[0].write(frame), frame.length);
    const got = new DatagramBatch();
    const lengths: number[] = [];
    await until(() => {
      const count = taker.receive(got);
      lengths.push(...got.lengths.subarray(0, count));
      return lengths.length >= 10;
    });
    assert.deepEqual(lengths, [...Array(9).fill(1000), 500]);
    for (const open of [taker, giver, tun]) open.close();
  });
});

test('a link of several queues spreads flows over them and takes frames from each', async () => {
  await withNetns(1, async (netns) => {
    const seen = new Map<TunQueue, number>();
    const onFrame = (queue: TunQueue, length: number) => {
      if (!answerEcho(queue.buffer.subarray(0, length))) seen.set(queue, (seen.get(queue) ?? 0) + 1);
    };
    const tun = openLink({ netns, queues: 4, onFrame });
    assert.equal(tun.queues.length, 4);
    raise(netns, tun, '10.9.0.1/24');
    const taker = openSocket({ netns, address: '10.9.0.1', port: 0 });
    for (let port = 1; port <= 200; port++) taker.sendTo(Buffer.from('x'), '10.9.0.2', port);
    await until(() => [...seen.values()].reduce((a, b) => a + b, 0) >= 200);
    assert.ok(seen.size > 1, `${seen.size} queues used`);
    taker.close();
    tun.close();
  });
});

test('a tap link carries Ethernet frames', async () => {
  await withNetns(1, async (netns) => {
    const types: number[] = [];
    const tap = openLink({ netns, mode: 'tap', onFrame: (queue) => types.push(queue.buffer.readUInt16BE(12)) });
    assert.equal(tap.name, 'tap0');
    raise(netns, tap, '10.9.0.1/24');
    const socket = openSocket({ netns, address: '10.9.0.1', port: 0 });
    socket.sendTo(Buffer.from('x'), '10.9.0.2', 9);
    await until(() => types.includes(0x0806));
    socket.close();
    tap.close();
  });
});

test('what cannot be written is a value: no frame, link down, link gone; a removed link is an event', async () => {
  await withNetns(1, async (netns) => {
    const errors: string[] = [];
    const tun = openLink({ netns, offloads: ['tso4'], onFrame: () => {}, onError: (name) => errors.push(name) });
    const [queue] = tun.queues;
    const packet = Buffer.alloc(VIRTIO_NET_HEADER_SIZE + 28);
    packet.writeUInt8(0x45, VIRTIO_NET_HEADER_SIZE);
    assert.equal(errnoName(-queue.write(packet)), 'EIO');
    raise(netns, tun, '10.9.0.1/24');
    assert.equal(queue.write(packet), packet.length);
    assert.equal(errnoName(-queue.write(Buffer.alloc(4))), 'EINVAL');
    assert.equal(errnoName(-queue.write(Buffer.alloc(28, 0xff))), 'EINVAL');
    for (const length of [1000, -1, Number.NaN]) assert.equal(errnoName(-queue.write(packet, length)), 'EINVAL');
    encodeVirtioNetHeader(packet, { checksum: { start: 1000, offset: 6 } });
    assert.equal(errnoName(-queue.write(packet)), 'EINVAL');
    ip(netns, `link del ${tun.name}`);
    await until(() => errors.length > 0);
    await sleep(20);
    assert.deepEqual(errors, ['EBADFD']);
    assert.equal(errnoName(-queue.write(packet)), 'EBADFD');
    assert.equal(errnoName(-queue.read()), 'EBADFD');
    tun.close();
  });
});

test('close() inside onFrame ends it; every later use is KERNEL_CLOSED; pause and resume', async () => {
  await withNetns(1, async (netns) => {
    let frames = 0;
    const tun: Tun = openLink({
      netns,
      onFrame() {
        frames++;
        tun.close();
        tun.close();
      },
    });
    const [queue] = tun.queues;
    raise(netns, tun, '10.9.0.1/24');
    queue.pause();
    const socket = openSocket({ netns, address: '10.9.0.1', port: 0 });
    for (let i = 0; i < 5; i++) socket.sendTo(Buffer.from('x'), '10.9.0.2', 9);
    await sleep(30);
    assert.equal(frames, 0);
    queue.resume();
    await until(() => frames > 0);
    await sleep(20);
    assert.equal(frames, 1);
    for (const use of [
      () => queue.read(),
      () => queue.write(Buffer.alloc(20)),
      () => queue.fd,
      () => queue.pause(),
      () => queue.resume(),
    ])
      assert.throws(use, (error) => hasCode(error, 'KERNEL_CLOSED'));
    assert.doesNotMatch(ip(netns, 'link show'), /tun0/);
    socket.close();
  });
});

test('pause inside onFrame takes effect at once', async () => {
  await withNetns(1, async (netns) => {
    let frames = 0;
    const tun = openLink({
      netns,
      onFrame(queue) {
        frames++;
        queue.pause();
      },
    });
    raise(netns, tun, '10.9.0.1/24');
    const socket = openSocket({ netns, address: '10.9.0.1', port: 0 });
    for (let i = 0; i < 5; i++) socket.sendTo(Buffer.from('x'), '10.9.0.2', 9);
    await until(() => frames > 0);
    await sleep(20);
    assert.equal(frames, 1);
  });
});

test('a persistent link with an owner stays until it is opened and let go', async () => {
  await withNetns(1, async (netns) => {
    openLink({ netns, name: 'tunp', persist: true, owner: { uid: 1000, gid: 1001 } }).close();
    assert.match(ip(netns, 'tuntap show'), /tunp: tun persist user (1000|\S+) group (1001|\S+)/);
    const busy = openLink({ netns, name: 'tunp' });
    assert.throws(
      () => openLink({ netns, name: 'tunp' }),
      (error) => isErrno(error, 'EBUSY'),
    );
    busy.close();
    openLink({ netns, name: 'tunp', persist: false }).close();
    assert.equal(ip(netns, 'tuntap show'), '');
  });
});

test('what makes no link is refused', async () => {
  await withNetns(1, (netns) => {
    const refused = (error: unknown) => hasCode(error, 'KERNEL_ENCODE');
    assert.throws(() => openLink({ netns, queues: 0 }), refused);
    assert.throws(() => openLink({ netns, mode: 'veth' as 'tap' }), refused);
    assert.throws(() => openLink({ netns, offloads: ['tso' as 'tso4'] }), refused);
    using open = openLink({ netns, name: 'open0' });
    assert.throws(
      () => openLink({ netns, name: open.name }),
      (error) => isErrno(error, 'EBUSY') && /open0 is open already/.test(error.message),
    );
    assert.throws(() => openLink({ netns, vnetHeader: false, offloads: ['csum'] }), refused);
    assert.throws(
      () => openLink({ netns, name: 'a-name-of-16-byte' }),
      (error) => isErrno(error, 'ENAMETOOLONG'),
    );
    assert.throws(
      () => openLink({ netns, name: 'lo' }),
      (error) => isErrno(error, 'EINVAL') && /link lo exists and is no tun link/.test(error.message),
    );
  });
});
