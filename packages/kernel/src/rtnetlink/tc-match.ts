import { formatIp, type IpAddress, ipBytes, type Prefix, parsePrefix, prefixParts } from '@podwire/base';
import { DecodeError, encodeError } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { ValueOf } from '../netlink/codec.ts';
import { ETHER_TYPES, type flower, type ipProtocol } from './tc-filter-table.ts';

/**
 * What flower compares; what is left out matches every packet. Addresses and protocol want the filter's `etherType` to be `ip`
 * or `ipv6`. tc-flower(8).
 */
export interface FlowerMatch {
  readonly sourceMac?: string;
  readonly destinationMac?: string;
  readonly protocol?: ValueOf<typeof ipProtocol>;
  readonly source?: Prefix;
  readonly destination?: Prefix;
  /** Of tcp, udp or sctp, which `protocol` has to name. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

export type EtherType = keyof typeof ETHER_TYPES | number;
type FlowerWire = AttributesOf<typeof flower.rows>;
const PORT_PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

export function flowerToWire(match: FlowerMatch, etherType: EtherType): FlowerWire {
  checkEtherType(match, etherType);
  return {
    destinationMac: match.destinationMac,
    sourceMac: match.sourceMac,
    ...(etherType !== 'all' && { etherType }),
    protocol: match.protocol,
    ...addressToWire('source', match.source),
    ...addressToWire('destination', match.destination),
    ...portsToWire(match),
  };
}

/** The kernel passes over what does not go with the EtherType, and the filter would match every packet. */
function checkEtherType({ protocol, source, destination }: FlowerMatch, etherType: EtherType): void {
  const families = [source, destination].flatMap((prefix) => (prefix ? [prefixParts(prefix).family] : []));
  const wanted = families[0] ?? (etherType === 'ipv6' || etherType === ETHER_TYPES.ipv6 ? 'ipv6' : 'ipv4');
  const word = wanted === 'ipv4' ? 'ip' : 'ipv6';
  if (families.some((family) => family !== wanted))
    throw encodeError(`source ${source} with destination ${destination}`);
  const isNeeded = protocol !== undefined || families.length > 0;
  if (isNeeded && etherType !== word && etherType !== ETHER_TYPES[word])
    throw encodeError(`a match of addresses or protocol with etherType ${etherType}; give etherType: '${word}'`);
}

function addressToWire(side: 'source' | 'destination', prefix: Prefix | undefined): FlowerWire {
  if (prefix === undefined) return {};
  const { address: network, length, family } = prefixParts(prefix);
  const version = family === 'ipv4' ? 4 : 6;
  return { [`${side}${version}`]: network, [`${side}${version}Mask`]: maskOf(length, version === 4 ? 4 : 16) };
}

function maskOf(length: number, size: number): IpAddress {
  const mask = Buffer.alloc(size);
  for (let bit = 0; bit < length; bit++) mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return formatIp(mask);
}

function portsToWire({ protocol, sourcePort, destinationPort }: FlowerMatch): FlowerWire {
  if (sourcePort === undefined && destinationPort === undefined) return {};
  const known = PORT_PROTOCOLS.find((name) => name === protocol);
  if (!known) throw encodeError(`ports of protocol "${protocol}"; ports are those of ${PORT_PROTOCOLS.join(', ')}`);
  return { [`${known}Source`]: sourcePort, [`${known}Destination`]: destinationPort };
}

export function flowerFromWire(wire: FlowerWire): FlowerMatch {
  const known = PORT_PROTOCOLS.find((name) => name === wire.protocol);
  const sourcePort = known && wire[`${known}Source`];
  const destinationPort = known && wire[`${known}Destination`];
  const source = prefixFromWire(wire.source4 ?? wire.source6, wire.source4Mask ?? wire.source6Mask);
  const destination = prefixFromWire(
    wire.destination4 ?? wire.destination6,
    wire.destination4Mask ?? wire.destination6Mask,
  );
  return {
    ...(wire.sourceMac !== undefined && { sourceMac: wire.sourceMac }),
    ...(wire.destinationMac !== undefined && { destinationMac: wire.destinationMac }),
    ...(wire.protocol !== undefined && { protocol: wire.protocol }),
    ...(source !== undefined && { source }),
    ...(destination !== undefined && { destination }),
    ...(sourcePort !== undefined && { sourcePort }),
    ...(destinationPort !== undefined && { destinationPort }),
  };
}

function prefixFromWire(address: IpAddress | undefined, mask: IpAddress | undefined): Prefix | undefined {
  if (address === undefined) return undefined;
  const size = ipBytes(address).length;
  const length = mask === undefined ? size * 8 : onesOf(ipBytes(mask));
  if (length > size * 8) throw new DecodeError(`${address} with a mask of ${length} bits`);
  return parsePrefix(`${address}/${length}`);
}

const onesOf = (bytes: Uint8Array): number =>
  bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);

/** A word of the packet that u32 compares: `(packet[offset] & mask) == value`, offset from the network header. */
export interface U32Key {
  readonly offset: number;
  readonly value: number;
  readonly mask: number;
}

/** The words of an IPv4 or IPv6 header that these addresses and this protocol make; for the filter u32. */
export function u32Keys(match: Pick<FlowerMatch, 'source' | 'destination'> & { protocol?: number }): U32Key[] {
  const families = [match.source, match.destination].flatMap((prefix) => (prefix ? [prefixParts(prefix).family] : []));
  if (new Set(families).size > 1) throw encodeError(`source ${match.source} with destination ${match.destination}`);
  const v6 = families[0] === 'ipv6';
  const keys: U32Key[] = [];
  if (match.protocol !== undefined)
    keys.push(v6 ? word(4, match.protocol << 8, 0xff00) : word(8, match.protocol << 16, 0xff0000));
  if (match.source) keys.push(...addressKeys(match.source, v6 ? 8 : 12));
  if (match.destination) keys.push(...addressKeys(match.destination, v6 ? 24 : 16));
  return keys;
}

const word = (offset: number, value: number, mask: number): U32Key => ({ offset, value: (value & mask) >>> 0, mask });

function addressKeys(prefix: Prefix, offset: number): U32Key[] {
  const { address: network, length } = prefixParts(prefix);
  const [bytes, mask] = [Buffer.from(ipBytes(network)), Buffer.from(ipBytes(maskOf(length, ipBytes(network).length)))];
  const keys = Array.from({ length: bytes.length / 4 }, (_, i) =>
    word(offset + i * 4, bytes.readUInt32BE(i * 4), mask.readUInt32BE(i * 4)),
  );
  return keys.filter((key) => key.mask !== 0);
}
