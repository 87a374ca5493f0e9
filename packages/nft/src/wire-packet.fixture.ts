import { formatIp, type IpAddress, ipBytes } from '@podwire/base';
import { flagBits, isIpv6, messageType, protocolNumber } from './header-bytes.ts';
import type { VirtualPacket } from './virtual-packet.ts';

/** A virtual packet as an Ethernet frame and back. `id` stands in the sequence number, the identification and the payload. */
export function frameOf(packet: VirtualPacket, id: number, macs: { from: string; to: string }): Buffer {
  const mac = (text: string) => Buffer.from(text.replaceAll(':', ''), 'hex');
  const v6 = isIpv6(packet);
  const [saddr, daddr] = [bytesOf(packet.saddr), bytesOf(packet.daddr)];
  const body = transport(packet, id);
  const pseudo = Buffer.alloc(v6 ? 8 : 4);
  pseudo[v6 ? 7 : 1] = protocolNumber(packet);
  pseudo.writeUInt16BE(body.length, v6 ? 2 : 2);
  const covered = packet.protocol === 'icmp' ? [body] : [saddr, daddr, pseudo, body];
  const at = { tcp: 16, udp: 6, icmp: 2, icmpv6: 2 }[String(packet.protocol)] ?? 0;
  body.writeUInt16BE(checksum(Buffer.concat(covered)) || 0xffff, at);
  const header = v6 ? ipv6(packet, body.length) : ipv4(packet, body.length, id);
  return Buffer.concat([mac(macs.to), mac(macs.from), Buffer.from(v6 ? [0x86, 0xdd] : [8, 0]), header, body]);
}

const bytesOf = (text: string): Uint8Array => ipBytes(text as IpAddress);

function transport(packet: VirtualPacket, id: number): Buffer {
  const { sport = 0, dport = 0, icmpId = 0 } = packet;
  const tcp = packet.protocol === 'tcp';
  const body = Buffer.alloc(tcp ? 20 : 12);
  if (packet.protocol === 'icmp' || packet.protocol === 'icmpv6') {
    body[0] = messageType(packet);
    body.writeUInt16BE(icmpId, 4);
  } else {
    body.writeUInt16BE(sport, 0);
    body.writeUInt16BE(dport, 2);
  }
  if (tcp) {
    body.writeUInt32BE(id, 4);
    body.writeUInt32BE(id, 8);
    body[12] = 0x50;
    body[13] = flagBits(packet);
    body.writeUInt16BE(1000, 14);
  } else body.writeUInt32BE(id, 8);
  if (packet.protocol === 'udp') body.writeUInt16BE(body.length, 4);
  return body;
}

function ipv4({ saddr, daddr, ttl = 64, ...packet }: VirtualPacket, length: number, id: number): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + length, 2);
  header.writeUInt16BE(id & 0xffff, 4);
  header[8] = ttl;
  header[9] = protocolNumber({ saddr, daddr, ...packet });
  header.set(bytesOf(saddr), 12);
  header.set(bytesOf(daddr), 16);
  header.writeUInt16BE(checksum(header), 10);
  return header;
}

function ipv6({ saddr, daddr, ttl = 64, ...packet }: VirtualPacket, length: number): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(length, 4);
  header[6] = protocolNumber({ saddr, daddr, ...packet });
  header[7] = ttl;
  header.set(bytesOf(saddr), 8);
  header.set(bytesOf(daddr), 24);
  return header;
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** What a frame holds, as text to compare: addresses and ports, or how a packet was refused; with the id of the packet. */
export function readFrame(frame: Buffer): { readonly id: number; readonly text: string } | undefined {
  const type = frame.readUInt16BE(12);
  if (type !== 0x0800 && type !== 0x86dd) return undefined;
  const v6 = type === 0x86dd;
  const ip = frame.subarray(14);
  const protocol = ip[v6 ? 6 : 9] ?? 0;
  const [saddr, daddr] = v6 ? [ip.subarray(8, 24), ip.subarray(24, 40)] : [ip.subarray(12, 16), ip.subarray(16, 20)];
  const body = ip.subarray(v6 ? 40 : 20);
  const addresses = `${formatIp(saddr)} ${formatIp(daddr)}`;
  if (protocol === 6) return readTcp(body, addresses);
  if (protocol === 17)
    return { id: body.readUInt32BE(8), text: textOf(addresses, body.readUInt16BE(0), body.readUInt16BE(2)) };
  if (protocol !== 1 && protocol !== 58) return undefined;
  const [kind = 0, code = 0] = body;
  const echo = v6 ? kind === 128 || kind === 129 : kind === 8 || kind === 0;
  if (echo) return { id: body.readUInt32BE(8), text: textOf(addresses, body.readUInt16BE(4), kind) };
  const isError = v6 ? kind === 1 : kind === 3;
  return isError ? { id: idInside(body.subarray(8), v6), text: `${v6 ? 'icmpv6' : 'icmp'} ${code}` } : undefined;
}

const textOf = (addresses: string, one: number, two: number): string => `${addresses} ${one} ${two}`;

function readTcp(body: Buffer, addresses: string): { readonly id: number; readonly text: string } {
  if (((body[13] ?? 0) & 4) === 0)
    return { id: body.readUInt32BE(4), text: textOf(addresses, body.readUInt16BE(0), body.readUInt16BE(2)) };
  const acknowledges = ((body[13] ?? 0) & 16) !== 0;
  return { id: acknowledges ? body.readUInt32BE(8) - 1 : body.readUInt32BE(4), text: 'tcp reset' };
}

/** The packet an ICMP error is about. */
function idInside(ip: Buffer, v6: boolean): number {
  const protocol = ip[v6 ? 6 : 9] ?? 0;
  const body = ip.subarray(v6 ? 40 : 20);
  if (protocol === 6) return body.readUInt32BE(4);
  return body.length >= 12 ? body.readUInt32BE(8) : ip.readUInt16BE(4);
}

/** What readFrame says of a packet that got through. */
export function describePacket(packet: VirtualPacket): string {
  const { saddr, daddr, sport = 0, dport = 0, icmpId = 0 } = packet;
  const icmp = packet.protocol === 'icmp' || packet.protocol === 'icmpv6';
  return `${saddr} ${daddr} ${icmp ? `${icmpId} ${messageType(packet)}` : `${sport} ${dport}`}`;
}
