import { ipBytes, tryParseIp } from '@podwire/base';
import { TYPES } from './data-type.ts';
import { fieldShape } from './field-shape.ts';
import type { VirtualPacket } from './virtual-packet.ts';

/** Headers of a virtual packet as they would be sent; what the packet does not say is unknown, bit by bit. */
export interface Header {
  readonly bytes: Buffer;
  /** Ones where the bytes are known. */
  readonly known: Buffer;
}

export type Base = 'link' | 'network' | 'transport';

const HEADERS = new WeakMap<VirtualPacket, Readonly<Record<Base, Header>>>();

export function headersOf(packet: VirtualPacket): Readonly<Record<Base, Header>> {
  let headers = HEADERS.get(packet);
  if (!headers) {
    headers = { link: linkHeader(packet), network: networkHeader(packet), transport: transportHeader(packet) };
    HEADERS.set(packet, headers);
  }
  return headers;
}

export const isIpv6 = ({ saddr }: VirtualPacket): boolean => saddr.includes(':');

/** Bits that are not known; the header may be there or not. */
export const UNKNOWN = Symbol('unknown');

/** Bits of a header, right-aligned in whole bytes; undefined where the packet ends before them. */
export function bitsAt(header: Header, place: { offset: number; bits: number }): Buffer | undefined | typeof UNKNOWN {
  const { offset, length, mask, shift } = fieldShape(place);
  if (offset + length > header.bytes.length) return undefined;
  for (let i = 0; i < length; i++)
    if ((~(header.known[offset + i] ?? 0) & (mask?.[i] ?? 255) & 255) !== 0) return UNKNOWN;
  const bytes = header.bytes.subarray(offset, offset + length);
  if (!mask) return bytes;
  const masked = Buffer.from(bytes.map((byte, i) => byte & (mask[i] ?? 0)));
  const number = BigInt(`0x${masked.toString('hex')}`) >> BigInt(shift);
  const size = Math.ceil(place.bits / 8);
  return Buffer.from(number.toString(16).padStart(2 * size, '0'), 'hex');
}

/** Writes headers field by field and remembers what was written. */
class HeaderWriter {
  readonly bytes: Buffer;
  readonly known: Buffer;

  constructor(length: number) {
    this.bytes = Buffer.alloc(length);
    this.known = Buffer.alloc(length);
  }

  put(at: number, value: Uint8Array | undefined): this {
    if (!value) return this;
    this.bytes.set(value, at);
    this.known.fill(0xff, at, at + value.length);
    return this;
  }

  u8(at: number, value: number | undefined): this {
    return value === undefined ? this : this.put(at, Buffer.from([value]));
  }

  u16(at: number, value: number | undefined): this {
    return value === undefined ? this : this.put(at, Buffer.from([value >> 8, value & 255]));
  }
}

function linkHeader(packet: VirtualPacket): Header {
  const mac = (text: string | undefined) => (text === undefined ? undefined : TYPES.ether_addr.encode(text));
  return new HeaderWriter(14)
    .put(0, mac(packet.etherDestination))
    .put(6, mac(packet.etherSource))
    .u16(12, isIpv6(packet) ? 0x86dd : 0x0800);
}

export const protocolNumber = ({ protocol }: VirtualPacket): number => TYPES.inet_proto.encode(protocol)[0] ?? 0;

const addressBytes = (text: string): Uint8Array | undefined => {
  const ip = tryParseIp(text);
  return ip && ipBytes(ip);
};

function networkHeader(packet: VirtualPacket): Header {
  const { saddr, daddr, ttl = 64, dscp = 0, length } = packet;
  if (isIpv6(packet))
    return new HeaderWriter(40)
      .u8(0, 0x60 | (dscp >> 2))
      .u8(1, (dscp & 3) << 6)
      .u16(4, length === undefined ? undefined : length - 40)
      .u8(6, protocolNumber(packet))
      .u8(7, ttl)
      .put(8, addressBytes(saddr))
      .put(24, addressBytes(daddr));
  return new HeaderWriter(20)
    .u8(0, 0x45)
    .u8(1, dscp << 2)
    .u16(2, length)
    .u8(8, ttl)
    .u8(9, protocolNumber(packet))
    .put(12, addressBytes(saddr))
    .put(16, addressBytes(daddr));
}

function transportHeader(packet: VirtualPacket): Header {
  const { sport, dport } = packet;
  switch (packet.protocol) {
    case 'tcp':
      return new HeaderWriter(20).u16(0, sport).u16(2, dport).u8(13, flagBits(packet));
    case 'udp':
      return new HeaderWriter(8).u16(0, sport).u16(2, dport);
    case 'icmp':
    case 'icmpv6':
      return new HeaderWriter(8)
        .u8(0, messageType(packet))
        .u8(1, packet.icmpCode ?? 0)
        .u16(4, packet.icmpId)
        .u16(6, packet.icmpSequence);
    default:
      return new HeaderWriter(sport === undefined && dport === undefined ? 0 : 12).u16(0, sport).u16(2, dport);
  }
}

export function flagBits({ tcpFlags = ['syn'] }: VirtualPacket): number {
  return tcpFlags.reduce((all, name) => all | (TYPES.tcp_flag.encode(name)[0] ?? 0), 0);
}

/** Type of an ICMP message; default an echo request. */
export function messageType({ protocol, icmpType = 'echo-request' }: VirtualPacket): number {
  return TYPES[protocol === 'icmpv6' ? 'icmpv6_type' : 'icmp_type'].encode(icmpType)[0] ?? 0;
}
