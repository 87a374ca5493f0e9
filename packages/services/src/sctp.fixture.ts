import type { Family } from '@podwire/base';
import { type DatagramBatch, type Netns, openRawSocket } from '@podwire/kernel';

/**
 * As much SCTP (RFC 9260) as connection tracking needs, over raw sockets, because not every kernel has sockets of it: INIT,
 * and INIT ACK with the answer in its state cookie.
 */
const SCTP = 132;
const CHUNK = { init: 1, initAck: 2 } as const;
const STATE_COOKIE = 7;
/** Type and code of the ICMP errors that are a refusal. */
const PORT_UNREACHABLE = { ipv4: [3, 3], ipv6: [1, 4] } as const;

/** Answers every INIT to the address and port with the text that `answer` gives for a source. */
export function serveSctp(
  { netns, address, port }: { readonly netns: Netns; readonly address: string; readonly port: number },
  answer: (source: string) => string,
): { close(): void } {
  const family = familyOfText(address);
  return openRawSocket({
    netns,
    family,
    protocol: SCTP,
    address,
    onDatagrams: (batch, socket) => {
      for (const { peer, packet } of packetsOf(batch, family)) {
        if (packet[12] !== CHUNK.init || packet.readUInt16BE(2) !== port) continue;
        const ports = { source: port, destination: packet.readUInt16BE(0) };
        const reply = sctpPacket(ports, packet.readUInt32BE(16), chunk(CHUNK.initAck, cookie(answer(peer))));
        socket.sendTo(reply, peer, 0);
      }
    },
  });
}

let nextPort = 20_000;
/** After how many ms an INIT that may be lost is sent again; RFC 9260 section 16, RTO.Initial, is 1,000. */
const AGAIN = 3000;

/** An INIT, again while nothing comes, and the text of its answer; rejects with ECONNREFUSED after an ICMP error, ETIMEDOUT when nothing comes. */
export function askSctp(
  from: { readonly netns: Netns; readonly localAddress?: string },
  to: { readonly address: string; readonly port: number },
  timeout: number,
): Promise<string> {
  const family = familyOfText(to.address);
  const port = nextPort++;
  const local = from.localAddress === undefined ? {} : { address: from.localAddress };
  return new Promise((resolve, reject) => {
    const answers = openRawSocket({
      netns: from.netns,
      family,
      protocol: SCTP,
      ...local,
      onDatagrams: (batch) => {
        for (const { packet } of packetsOf(batch, family)) {
          if (packet[12] !== CHUNK.initAck || packet.readUInt16BE(2) !== port) continue;
          finish(() => resolve(String(packet.subarray(36, 32 + packet.readUInt16BE(34)))));
        }
      },
    });
    const errors = openRawSocket({
      netns: from.netns,
      family,
      protocol: family === 'ipv4' ? 'icmp' : 'icmp6',
      onDatagrams: (batch) => {
        for (const { packet } of packetsOf(batch, family))
          if (refusedPort(packet, family) === port) finish(() => reject(failure('ECONNREFUSED')));
      },
    });
    const timer = setTimeout(() => finish(() => reject(failure('ETIMEDOUT'))), timeout);
    const again = setInterval(send, AGAIN);
    function finish(settle: () => void): void {
      clearTimeout(timer);
      clearInterval(again);
      answers.close();
      errors.close();
      settle();
    }
    function send(): void {
      try {
        answers.sendTo(sctpPacket({ source: port, destination: to.port }, 0, chunk(CHUNK.init)), to.address, 0);
      } catch {
        // where the packet is made, the filter's verdict is the sender's error as well; what tells is the ICMP error
      }
    }
    send();
  });
}

const familyOfText = (address: string): Family => (address.includes(':') ? 'ipv6' : 'ipv4');
const failure = (code: string): Error => Object.assign(new Error(`${code} by SCTP`), { code });

/** What raw sockets receive, without the IPv4 header. */
function* packetsOf(batch: DatagramBatch, family: Family): Generator<{ peer: string; packet: Buffer }> {
  for (let i = 0; i < batch.count; i++) {
    const bytes = batch.bytesOf(i);
    const packet = family === 'ipv4' ? bytes.subarray(((bytes[0] ?? 0) & 15) * 4) : bytes;
    yield { peer: batch.peerOf(i)?.address ?? '', packet };
  }
}

/** The source port of the SCTP packet that an ICMP error is about. */
function refusedPort(packet: Buffer, family: Family): number | undefined {
  const [type, code] = PORT_UNREACHABLE[family];
  if (packet[0] !== type || packet[1] !== code) return undefined;
  const inner = packet.subarray(8);
  const [protocol, header] = family === 'ipv4' ? [inner[9], ((inner[0] ?? 0) & 15) * 4] : [inner[6], 40];
  return protocol === SCTP ? inner.readUInt16BE(header) : undefined;
}

function chunk(type: number, parameters: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(20 + parameters.length);
  bytes[0] = type;
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt32BE(0x706f6477, 4); // initiate tag
  bytes.writeUInt32BE(65_535, 8); // a_rwnd
  bytes.writeUInt16BE(1, 12); // outbound streams
  bytes.writeUInt16BE(1, 14); // inbound streams
  bytes.writeUInt32BE(1, 16); // initial TSN
  parameters.copy(bytes, 20);
  return bytes;
}

/** Padded to a multiple of 4. */
function cookie(text: string): Buffer {
  const length = 4 + Buffer.byteLength(text);
  const bytes = Buffer.alloc(Math.ceil(length / 4) * 4);
  bytes.writeUInt16BE(STATE_COOKIE, 0);
  bytes.writeUInt16BE(length, 2);
  bytes.write(text, 4);
  return bytes;
}

function sctpPacket(ports: { source: number; destination: number }, tag: number, body: Buffer): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(ports.source, 0);
  header.writeUInt16BE(ports.destination, 2);
  header.writeUInt32BE(tag, 4);
  const packet = Buffer.concat([header, body]);
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

/** RFC 9260 appendix A. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
