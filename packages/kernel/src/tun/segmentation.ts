import { encodeError } from '../errors.ts';
import { completeChecksum, internetChecksum, pseudoHeaderSum } from './checksum.ts';
import type { VirtioNetHeader } from './virtio-net-header.ts';

const PROTOCOL = { tcp: 6, udp: 17 } as const;
const TCP_FLAG = { fin: 0x01, psh: 0x08, cwr: 0x80 } as const;
const UDP_HEADER = 8;

/** Where the headers of a super-frame are. */
interface Headers {
  readonly network: number;
  readonly transport: number;
  readonly payload: number;
  readonly isV6: boolean;
}

/**
 * Does in software what a super-frame's header says is left to do: cuts it into frames with `segmentSize` bytes of payload
 * and fills in lengths, identifications, sequence numbers and checksums. A frame without GSO gets its checksum, if it lacks
 * it. `network` is where the IP header begins: 0 on tun links, 14 on tap links. The frames are copies.
 * Throws KERNEL_ENCODE when frame and header do not fit together.
 */
export function segmentFrame(frame: Uint8Array, header: VirtioNetHeader, network = 0): Buffer[] {
  if (header.gso === 'none') return [withChecksum(Buffer.from(frame), header)];
  const headers = headersOf(frame, header, network);
  const { segmentSize } = header;
  const count = Math.max(1, Math.ceil((frame.length - headers.payload) / segmentSize));
  return Array.from({ length: count }, (_, i) => {
    const start = headers.payload + i * segmentSize;
    const payload = frame.subarray(start, start + segmentSize);
    const segment = Buffer.concat([frame.subarray(0, headers.payload), payload]);
    if (header.gso === 'udp') segment.writeUInt16BE(UDP_HEADER + payload.length, headers.transport + 4);
    else numberSegment(segment, headers, i * segmentSize, { isFirst: i === 0, isLast: i === count - 1 });
    writeLengths(segment, headers, i);
    writeChecksum(segment, headers, header.gso === 'udp' ? PROTOCOL.udp : PROTOCOL.tcp);
    return segment;
  });
}

function withChecksum(frame: Buffer, { checksum }: VirtioNetHeader): Buffer {
  if (checksum === undefined) return frame;
  if (checksum.start + checksum.offset + 2 > frame.length) throw encodeError('a checksum beyond the end of its frame');
  completeChecksum(frame, checksum);
  return frame;
}

function headersOf(frame: Uint8Array, header: VirtioNetHeader, network: number): Headers {
  const fail = () => encodeError(`a ${header.gso} super-frame of ${frame.length} bytes whose headers do not fit`);
  const isV6 = (frame[network] ?? 0) >> 4 === 6;
  const transport = header.checksum?.start ?? network + (isV6 ? 40 : ((frame[network] ?? 0) & 15) * 4);
  const payload = transport + (header.gso === 'udp' ? UDP_HEADER : ((frame[transport + 12] ?? 0) >> 4) * 4);
  const tooShort = transport < network + (isV6 ? 40 : 20) || payload > frame.length || payload < transport + UDP_HEADER;
  const isOtherVersion = header.gso !== 'udp' && isV6 !== (header.gso === 'tcp6');
  if (tooShort || header.segmentSize === 0 || isOtherVersion) throw fail();
  if (header.gso !== 'udp' && payload < transport + 20) throw fail();
  return { network, transport, payload, isV6 };
}

/** TCP: the sequence number goes on; FIN and PSH belong to the last segment, CWR to the first. */
function numberSegment(
  segment: Buffer,
  { transport }: Headers,
  offset: number,
  place: { readonly isFirst: boolean; readonly isLast: boolean },
): void {
  segment.writeUInt32BE((segment.readUInt32BE(transport + 4) + offset) >>> 0, transport + 4);
  let flags = segment.readUInt8(transport + 13);
  if (!place.isFirst) flags &= ~TCP_FLAG.cwr;
  if (!place.isLast) flags &= ~(TCP_FLAG.fin | TCP_FLAG.psh);
  segment.writeUInt8(flags, transport + 13);
}

function writeLengths(segment: Buffer, { network, transport, isV6 }: Headers, index: number): void {
  if (isV6) {
    segment.writeUInt16BE(segment.length - network - 40, network + 4);
    return;
  }
  segment.writeUInt16BE(segment.length - network, network + 2);
  segment.writeUInt16BE((segment.readUInt16BE(network + 4) + index) & 0xffff, network + 4);
  segment.writeUInt16BE(0, network + 10);
  segment.writeUInt16BE(internetChecksum(segment, network, transport), network + 10);
}

function writeChecksum(segment: Buffer, { network, transport }: Headers, protocol: number): void {
  const at = transport + (protocol === PROTOCOL.udp ? 6 : 16);
  segment.writeUInt16BE(0, at);
  const seed = pseudoHeaderSum(segment, network, protocol, segment.length - transport);
  const sum = internetChecksum(segment, transport, segment.length, seed);
  // a UDP checksum of zero says that there is none (RFC 768)
  segment.writeUInt16BE(sum === 0 && protocol === PROTOCOL.udp ? 0xffff : sum, at);
}
