/** Control messages (cmsg(3)) of datagrams: the local address a datagram came to, and segment sizes. */

const CMSG_HEADER = 16;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const IPPROTO_IPV6 = 41;
const IPV6_PKTINFO = 50;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
const IN_PKTINFO_SIZE = 12;
const IN6_PKTINFO_SIZE = 20;

const align = (length: number) => (length + 7) & ~7;

/** One entry for each datagram of a batch. */
export interface DatagramControl {
  /** 16 bytes each, of which IPv4 uses 4. */
  readonly localAddresses: Uint8Array;
  /** 4 or 16 bytes of local address, 0 when it is not known. */
  readonly localLengths: Uint8Array;
  /** The link it came in by, 0 when it is not known. */
  readonly ifIndexes: Uint32Array;
  /** Bytes of each datagram inside, when there are several; else 0. */
  readonly segmentSizes: Uint16Array;
}

function copyBytes(view: DataView, at: number, into: Uint8Array, target: number, count: number): void {
  for (let k = 0; k < count; k++) into[target + k] = view.getUint8(at + k);
}

/** Reads the control messages of datagram `i`, `length` bytes at `at`. */
export function readDatagramControl(view: DataView, at: number, length: number, to: DatagramControl, i: number): void {
  to.localLengths[i] = 0;
  to.segmentSizes[i] = 0;
  to.ifIndexes[i] = 0;
  const end = at + length;
  while (at + CMSG_HEADER <= end) {
    const size = view.getUint32(at, true);
    if (size < CMSG_HEADER) return;
    readOne(view, at, to, i);
    at += align(size);
  }
}

function readOne(view: DataView, at: number, to: DatagramControl, i: number): void {
  const level = view.getInt32(at + 8, true);
  const type = view.getInt32(at + 12, true);
  const data = at + CMSG_HEADER;
  if (level === SOL_UDP && type === UDP_GRO) to.segmentSizes[i] = view.getInt32(data, true);
  else if (level === IPPROTO_IP && type === IP_PKTINFO) {
    to.ifIndexes[i] = view.getUint32(data, true);
    to.localLengths[i] = 4;
    copyBytes(view, data + 4, to.localAddresses, i * 16, 4); // ipi_spec_dst: a local address also for broadcasts
  } else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
    to.ifIndexes[i] = view.getUint32(data + 16, true);
    to.localLengths[i] = 16;
    copyBytes(view, data, to.localAddresses, i * 16, 16);
  }
}

function header(view: DataView, at: number, level: number, type: number, size: number): number {
  view.setUint32(at, CMSG_HEADER + size, true); // of 64 bits; a bigint would be an object
  view.setUint32(at + 4, 0, true);
  view.setInt32(at + 8, level, true);
  view.setInt32(at + 12, type, true);
  return at + CMSG_HEADER;
}

/** Writes the control messages that datagram `i` is sent with, at `at`; returns their length. */
export function writeDatagramControl(view: DataView, at: number, from: DatagramControl, i: number): number {
  const start = at;
  const local = from.localLengths[i] ?? 0;
  if (local > 0) at = writeLocalAddress(view, at, from, i);
  const segment = from.segmentSizes[i] ?? 0;
  if (segment > 0) {
    view.setUint16(header(view, at, SOL_UDP, UDP_SEGMENT, 2), segment, true);
    at += align(CMSG_HEADER + 2);
  }
  return at - start;
}

function writeLocalAddress(view: DataView, at: number, from: DatagramControl, i: number): number {
  const address = from.localAddresses;
  const v4 = from.localLengths[i] === 4;
  const size = v4 ? IN_PKTINFO_SIZE : IN6_PKTINFO_SIZE;
  const data = header(view, at, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_PKTINFO : IPV6_PKTINFO, size);
  const where = v4 ? data + 4 : data;
  for (let k = 0; k < (v4 ? 4 : 16); k++) view.setUint8(where + k, address[i * 16 + k] ?? 0);
  // naming the link would override the route, which only link-local addresses need
  const linkLocal = !v4 && address[i * 16] === 0xfe && ((address[i * 16 + 1] ?? 0) & 0xc0) === 0x80;
  view.setUint32(v4 ? data : data + 16, linkLocal ? (from.ifIndexes[i] ?? 0) : 0, true);
  return at + align(CMSG_HEADER + size);
}
