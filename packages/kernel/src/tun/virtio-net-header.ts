import { DecodeError, encodeError } from '../errors.ts';

/**
 * struct virtio_net_hdr (linux/virtio_net.h), in front of every frame of a link with `vnetHeader`: which work on the frame
 * is still to be done. Offsets count from the beginning of the frame, behind this header.
 */
export interface VirtioNetHeader {
  /**
   * What kind of super-frame it is: TCP segments (tcp4, tcp6) or UDP datagrams (udp) that share their headers and were
   * not cut apart yet; none: an ordinary frame.
   */
  readonly gso: 'none' | 'tcp4' | 'tcp6' | 'udp';
  /** Payload bytes of each segment but the last; 0 with gso none. */
  readonly segmentSize: number;
  /** Length of all headers that each segment gets; the kernel looks itself, 0 will do. */
  readonly headersLength: number;
  /** The TCP connection uses ECN: only the first segment may carry CWR. */
  readonly ecn: boolean;
  /**
   * The checksum is not there yet: sum from `start` to the end, into `start + offset`, where the sum of the pseudo-header
   * stands. Super-frames have it always.
   */
  readonly checksum?: { readonly start: number; readonly offset: number };
  /** The checksum was found right, or the frame never left the machine. */
  readonly checksumValid: boolean;
}

export const VIRTIO_NET_HEADER_SIZE = 10;

const FLAG = { needsChecksum: 1, dataValid: 2 } as const;
const GSO_ECN = 0x80;
/** VIRTIO_NET_HDR_GSO_*; 3 is UDP fragmentation, which Linux has given up. */
const GSO = { none: 0, tcp4: 1, tcp6: 4, udp: 5 } as const;
const NAMES = new Map<number, keyof typeof GSO>([
  [GSO.none, 'none'],
  [GSO.tcp4, 'tcp4'],
  [GSO.tcp6, 'tcp6'],
  [GSO.udp, 'udp'],
]);

/** Reads the header at the beginning of `bytes`. Throws DecodeError for less than ten bytes or an unknown kind. */
export function decodeVirtioNetHeader(bytes: Buffer): VirtioNetHeader {
  if (bytes.length < VIRTIO_NET_HEADER_SIZE) throw new DecodeError(`a virtio net header from ${bytes.length} bytes`);
  const flags = bytes.readUInt8(0);
  const type = bytes.readUInt8(1);
  const gso = NAMES.get(type & ~GSO_ECN);
  if (gso === undefined) throw new DecodeError(`GSO type ${type} of a virtio net header`, { offset: 1 });
  const checksum = { start: bytes.readUInt16LE(6), offset: bytes.readUInt16LE(8) };
  return {
    gso,
    ecn: (type & GSO_ECN) !== 0,
    headersLength: bytes.readUInt16LE(2),
    segmentSize: bytes.readUInt16LE(4),
    checksumValid: (flags & FLAG.dataValid) !== 0,
    ...(flags & FLAG.needsChecksum ? { checksum } : {}),
  };
}

/** Writes a header to the beginning of `bytes`; without fields: an ordinary frame with nothing left to do. */
export function encodeVirtioNetHeader(bytes: Buffer, header: Partial<VirtioNetHeader> = {}): void {
  const { gso = 'none', ecn = false, headersLength = 0, segmentSize = 0, checksum, checksumValid = false } = header;
  for (const value of [headersLength, segmentSize, checksum?.start ?? 0, checksum?.offset ?? 0]) {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff) throw encodeError(`${value} in a virtio net header`);
  }
  bytes.writeUInt8((checksum ? FLAG.needsChecksum : 0) | (checksumValid ? FLAG.dataValid : 0), 0);
  bytes.writeUInt8(GSO[gso] | (ecn ? GSO_ECN : 0), 1);
  bytes.writeUInt16LE(headersLength, 2);
  bytes.writeUInt16LE(segmentSize, 4);
  bytes.writeUInt16LE(checksum?.start ?? 0, 6);
  bytes.writeUInt16LE(checksum?.offset ?? 0, 8);
}
