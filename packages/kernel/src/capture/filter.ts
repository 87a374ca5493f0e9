import { parseIp, parsePrefix, prefixParts } from '@podwire/base';
import { choose, given } from '../choice.ts';
import { encodeError } from '../errors.ts';

const PROTOCOLS = { ip: 1, ip6: 1, arp: 1, rarp: 1, tcp: 1, udp: 1, sctp: 1, icmp: 1, icmp6: 1 } as const;
const KINDS = { protocol: 1, etherType: 1, mac: 1, host: 1, net: 1, port: 1, and: 1, or: 1, not: 1 } as const;
const DIRECTIONS = { src: 1, dst: 1 } as const;

/** Protocols a filter knows by name; pcap-filter(7). */
export type FilterProtocol = keyof typeof PROTOCOLS;

/**
 * Which packets are meant, as pcap-filter(7) means it. Without `direction` either end will do.
 * - `protocol`: by name; tcp, udp and sctp in both IP versions.
 * - `etherType`: 0x600 to 0xffff, of untagged frames (the kernel takes VLAN tags off before it filters).
 * - `mac`: an end of the frame, on Ethernet only.
 * - `host`, `net`: an address or prefix of the packet, or, for IPv4, in an ARP packet; a prefix without host bits.
 * - `port`: of TCP, UDP or SCTP, one or a range with both ends in it; not of fragments after the first.
 * - `and: []` is every packet, `or: []` none.
 */
export type Filter =
  | { readonly protocol: FilterProtocol }
  | { readonly etherType: number }
  | { readonly mac: string; readonly direction?: Direction }
  | { readonly host: string; readonly direction?: Direction }
  | { readonly net: string; readonly direction?: Direction }
  | { readonly port: number | readonly [first: number, last: number]; readonly direction?: Direction }
  | { readonly and: readonly Filter[] }
  | { readonly or: readonly Filter[] }
  | { readonly not: Filter };

export type Direction = keyof typeof DIRECTIONS;

/** Refuses words that mean nothing, which the types forbid, and prefixes with host bits. Throws KERNEL_ENCODE. */
export function checkFilter(filter: Filter): void {
  if (typeof filter !== 'object' || filter === null)
    throw encodeError(`${given(filter)} as a filter; write { port: 53 }`);
  const [kind = '', second] = Object.keys(filter).filter((key) => key !== 'direction');
  choose(KINDS, kind, 'what a filter is by');
  if (second !== undefined)
    throw encodeError(`${kind} and ${second} in one filter; write { and: [...] } with one each`);
  if ('protocol' in filter) choose(PROTOCOLS, filter.protocol, 'a protocol of a filter');
  if ('direction' in filter && filter.direction !== undefined)
    choose(DIRECTIONS, filter.direction, 'a direction of a filter');
  if ('host' in filter && typeof filter.host !== 'string')
    throw encodeError(`${given(filter.host)} as a host of a filter; write an address as text`);
  if ('net' in filter) checkNet(filter.net);
  const parts = 'and' in filter ? filter.and : 'or' in filter ? filter.or : 'not' in filter ? [filter.not] : [];
  if (!Array.isArray(parts)) throw encodeError(`${given(parts)} as what a filter joins; write a list of filters`);
  for (const part of parts) checkFilter(part);
}

function checkNet(net: string): void {
  if (typeof net !== 'string') throw encodeError(`${given(net)} as a net of a filter; write 10.0.0.0/8`);
  const prefix = parsePrefix(net);
  const { address } = prefixParts(prefix);
  if (parseIp(net.replace(/\/.*/, '')) !== address)
    throw encodeError(
      `"${net}" as a prefix of a filter, for it has host bits; write net ${prefix}, or host and an address`,
    );
}

/** First and last port of a port filter. Throws KERNEL_ENCODE. */
export function portRange(port: number | readonly [number, number]): readonly [first: number, last: number] {
  const [first, last] = typeof port === 'number' ? [port, port] : port;
  const valid = (n: number) => Number.isInteger(n) && n >= 0 && n <= 65_535;
  if (valid(first) && valid(last) && first <= last) return [first, last];
  throw encodeError(`ports ${first} to ${last}; write 0 to 65535, the lower first`);
}

/** Six bytes of a MAC address. Throws KERNEL_ENCODE. */
export function macBytes(mac: string): Buffer {
  if (/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(mac)) return Buffer.from(mac.replaceAll(':', ''), 'hex');
  throw encodeError(`"${mac}" as a MAC address; write 02:00:00:00:00:01`);
}

/** An EtherType; smaller numbers are lengths (IEEE 802.3). Throws KERNEL_ENCODE. */
export function etherTypeOf(value: number): number {
  if (Number.isInteger(value) && value >= 0x600 && value <= 0xffff) return value;
  throw encodeError(`${value} as an EtherType; write 0x600 to 0xffff`);
}

/** The filter as an expression that tcpdump takes. Throws as the compiler does. */
export function formatFilter(filter: Filter): string {
  checkFilter(filter);
  return formatted(filter);
}

function formatted(filter: Filter): string {
  if ('and' in filter) return filter.and.length === 0 ? 'greater 0' : joined(filter.and, 'and');
  if ('or' in filter) return filter.or.length === 0 ? 'not greater 0' : joined(filter.or, 'or');
  if ('not' in filter) return `not (${formatted(filter.not)})`;
  if ('protocol' in filter) return filter.protocol;
  if ('etherType' in filter) return `ether proto 0x${etherTypeOf(filter.etherType).toString(16)}`;
  const direction = filter.direction === undefined ? '' : `${filter.direction} `;
  if ('mac' in filter)
    return `ether ${direction || 'host '}${macBytes(filter.mac)
      .toString('hex')
      .replace(/..(?=.)/g, '$&:')}`;
  if ('host' in filter) return `${direction}host ${parseIp(filter.host)}`;
  if ('net' in filter) return `${direction}net ${parsePrefix(filter.net)}`;
  const [first, last] = portRange(filter.port);
  return first === last ? `${direction}port ${first}` : `${direction}portrange ${first}-${last}`;
}

function joined(filters: readonly Filter[], word: string): string {
  return filters.map((filter) => `(${formatted(filter)})`).join(` ${word} `);
}
