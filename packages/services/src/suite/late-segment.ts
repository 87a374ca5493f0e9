import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTcp, openRawSocket } from '@podwire/kernel';
import { putService } from '../api-objects.fixture.ts';
import { ADDRESS, TCP_PORTS, type World } from '../world.fixture.ts';

const SERVICE = '10.96.1.11';
/** Beyond any window. */
const LATE = 1_000_000_000;
const FLAGS = { push: 8, ack: 16 } as const;

/**
 * An endpoint sends a segment that belongs to nothing connection tracking knows. Untranslated, it would come to the client
 * as that of a stranger, and the client's answer would reset the endpoint's side (k/k 74839).
 */
export async function lateSegment(world: World): Promise<void> {
  putService(world.informers, SERVICE, { backends: ['near1'] });
  await world.room.idle();
  const seen: Segment[] = [];
  using endpoint = openRawSocket({
    netns: world.netns.near1,
    family: 'ipv4',
    protocol: 'tcp',
    onDatagrams: (batch) => {
      for (let i = 0; i < batch.count; i++) seen.push(parseSegment(batch.bytesOf(i)));
    },
  });
  const socket = await connectTcp({ netns: world.netns.client, address: SERVICE, port: 80 });
  try {
    await once(socket, 'data');
    for (let i = 0; i < 3; i++) {
      socket.write('ping');
      assert.equal(String((await once(socket, 'data', { signal: AbortSignal.timeout(30_000) }))[0]), 'ping', 'echo');
      await sleep(50);
      const last = seen.findLast(({ to }) => to === TCP_PORTS[0]);
      assert.ok(last, 'the endpoint has seen the client');
      endpoint.sendTo(lateAnswer(last), last.address, 0);
      await sleep(50);
    }
  } finally {
    socket.destroy();
  }
}

interface Segment {
  readonly address: string;
  readonly from: number;
  readonly to: number;
  /** What the sender sends next. */
  readonly next: number;
  readonly ack: number;
}

function parseSegment(packet: Buffer): Segment {
  const header = ((packet[0] ?? 0) & 15) * 4;
  const tcp = packet.subarray(header, packet.readUInt16BE(2));
  const data = tcp.length - ((tcp[12] ?? 0) >> 4) * 4;
  return {
    address: packet.subarray(12, 16).join('.'),
    from: tcp.readUInt16BE(0),
    to: tcp.readUInt16BE(2),
    next: (tcp.readUInt32BE(4) + data) >>> 0,
    ack: tcp.readUInt32BE(8),
  };
}

/** One byte, with the acknowledgement of which a reset would fit. */
function lateAnswer({ address, from, to, next, ack }: Segment): Buffer {
  const tcp = Buffer.alloc(21, 'x');
  tcp.writeUInt16BE(to, 0);
  tcp.writeUInt16BE(from, 2);
  tcp.writeUInt32BE((ack + LATE) >>> 0, 4);
  tcp.writeUInt32BE(next, 8);
  tcp.writeUInt16BE((5 << 12) | FLAGS.push | FLAGS.ack, 12);
  tcp.writeUInt16BE(0xffff, 14);
  tcp.writeUInt32BE(0, 16);
  tcp.writeUInt16BE(checksum(tcp, address), 16);
  return tcp;
}

/** RFC 9293, 3.1. */
function checksum(tcp: Buffer, to: string): number {
  const octets = [ADDRESS.near1, to].flatMap((address) => address.split('.').map(Number));
  const pseudo = Buffer.from([
    ...octets,
    0,
    6,
    tcp.length >> 8,
    tcp.length & 255,
    ...tcp,
    ...(tcp.length % 2 ? [0] : []),
  ]);
  let sum = 0;
  for (let i = 0; i < pseudo.length; i += 2) sum += pseudo.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
