import { parseIp, parsePrefix } from '@podwire/base';
import { encodeError } from '../errors.ts';

/** Protocols a filter knows by name; pcap-filter(7). */
export type FilterProtocol = 'ip' | 'ip6' | 'arp' | 'rarp' | 'tcp' | 'udp' | 'sctp' | 'icmp' | 'icmp6';

/**
 * Which packets are meant, as pcap-filter(7) means it. Without `direction` either end will do.
 * - `protocol`: by name; tcp, udp and sctp in both IP versions.
 * - `etherType`: 0x600 to 0xffff, of untagged frames (the kernel takes VLAN tags off before it filters).
 * - `mac`: an end of the frame, on Ethernet only.
 * - `host`, `net`: an address or prefix of the packet, or, for IPv4, in an ARP packet.
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

export type Direction = 'src' | 'dst';

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
  if ('and' in filter) return filter.and.length === 0 ? 'greater 0' : joined(filter.and, 'and');
  if ('or' in filter) return filter.or.length === 0 ? 'not greater 0' : joined(filter.or, 'or');
  if ('not' in filter) return `not (${formatFilter(filter.not)})`;
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
  return filters.map((filter) => `(${formatFilter(filter)})`).join(` ${word} `);
}
