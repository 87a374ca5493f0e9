import { formatIp, ipBytes, tryParseIp, tryParsePrefix } from '@podwire/base';
import { nftError } from './errors.ts';
import type { DataType } from './model.ts';
import { quote } from './name.ts';

/** Types that only expressions have, besides those that sets may have. */
export type ValueType =
  | DataType
  | 'ether_type'
  | 'arp_op'
  | 'integer8'
  | 'integer32'
  | 'nfproto'
  | 'pkt_type'
  | 'uid'
  | 'iface_index'
  | 'ct_state'
  | 'ct_status'
  | 'ct_dir'
  | 'tcp_flag'
  | 'fib_addrtype';

/** What is known of a data type: datatype.h of nft for the number, nft(8) DATA TYPES for the text. */
export interface TypeInfo {
  /** nft's own number; concatenations are 6 bits a part. */
  readonly number: number;
  readonly length: number;
  /** Ordering in the kernel is by memcmp, so ranges exist for big-endian types only. */
  readonly order: 'big' | 'host';
  /** Several values combine with a comma and match any of their bits. */
  readonly flags?: boolean;
  encode(value: string | number): Buffer;
  decode(bytes: Buffer): string | number;
  /** nft syntax of the value. */
  format(value: string | number): string;
}

function bad(value: unknown, wanted: string): never {
  throw nftError('NFT_BAD_VALUE', `${JSON.stringify(value)} is not ${wanted}`);
}

function writeNumber(value: number, length: number, order: 'big' | 'host'): Buffer {
  const buffer = Buffer.alloc(length);
  if (order === 'big') buffer.writeUIntBE(value, 0, length);
  else buffer.writeUIntLE(value, 0, length);
  return buffer;
}

const readNumber = (bytes: Buffer, length: number, order: 'big' | 'host'): number =>
  order === 'big' ? bytes.readUIntBE(0, length) : bytes.readUIntLE(0, length);

interface NumberShape {
  readonly number: number;
  readonly length: number;
  readonly order: 'big' | 'host';
  readonly names?: Readonly<Record<string, number>>;
  readonly hex?: boolean;
  readonly flags?: boolean;
}

/** A number with optional names; decode prefers the name. */
function numeric(shape: NumberShape): TypeInfo {
  const { number, length, order, names = {}, hex = false, flags = false } = shape;
  const byNumber = new Map(Object.entries(names).map(([name, n]) => [n, name]));
  const toNumber = (value: string | number): number => {
    const n =
      typeof value === 'number'
        ? value
        : (names[value] ?? (/^(0x[0-9a-f]+|\d+)$/i.test(value) ? Number(value) : Number.NaN));
    return Number.isInteger(n) && n >= 0 && n < 2 ** (8 * length)
      ? n
      : bad(
          value,
          `a number below 2^${8 * length}${byNumber.size ? ` or one of ${Object.keys(names).join(' ')}` : ''}`,
        );
  };
  return {
    number,
    length,
    order,
    ...(flags && { flags }),
    encode: (value) => writeNumber(toNumber(value), length, order),
    decode: (bytes) => byNumber.get(readNumber(bytes, length, order)) ?? readNumber(bytes, length, order),
    format: (value) => {
      const n = toNumber(value);
      return byNumber.get(n) ?? (hex ? `0x${n.toString(16).padStart(2 * length, '0')}` : String(n));
    },
  };
}

function address(number: number, length: 4 | 16): TypeInfo {
  const parse = (value: string | number) => {
    const ip = typeof value === 'string' ? tryParseIp(value) : undefined;
    return ip && ipBytes(ip).length === length ? ip : bad(value, `an IPv${length === 4 ? 4 : 6} address`);
  };
  return {
    number,
    length,
    order: 'big',
    encode: (value) => Buffer.from(ipBytes(parse(value))),
    decode: (bytes) => formatIp(bytes.subarray(0, length)),
    format: (value) => parse(value),
  };
}

const etherAddress: TypeInfo = {
  number: 9,
  length: 6,
  order: 'big',
  encode: (value) => {
    if (typeof value !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value)) return bad(value, 'a MAC address');
    return Buffer.from(value.replaceAll(':', ''), 'hex');
  },
  decode: (bytes) => [...bytes.subarray(0, 6)].map((b) => b.toString(16).padStart(2, '0')).join(':'),
  format: (value) => etherAddress.decode(etherAddress.encode(value)) as string,
};

function checkIfname(value: string | number): string {
  return typeof value === 'string' && /^[^\s"/*]{1,15}\*?$/.test(value) && Buffer.byteLength(value) <= 15
    ? value
    : bad(value, 'an interface name');
}

const ifname: TypeInfo = {
  number: 41,
  length: 16,
  order: 'host',
  encode: (value) => Buffer.from(checkIfname(value).padEnd(16, '\0')),
  decode: (bytes) => bytes.subarray(0, 16).toString().replace(/\0.*$/, ''),
  format: (value) => quote(checkIfname(value)),
};

const ETHER_TYPES = { ip: 0x0800, arp: 0x0806, vlan: 0x8100, ip6: 0x86dd };
const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17, gre: 47, esp: 50, icmpv6: 58, 'ipv6-icmp': 58, sctp: 132 };
const ICMP = {
  'echo-reply': 0,
  'destination-unreachable': 3,
  redirect: 5,
  'echo-request': 8,
  'time-exceeded': 11,
  'parameter-problem': 12,
};
const ICMPV6 = {
  'destination-unreachable': 1,
  'packet-too-big': 2,
  'time-exceeded': 3,
  'parameter-problem': 4,
  'echo-request': 128,
  'echo-reply': 129,
  'nd-router-solicit': 133,
  'nd-router-advert': 134,
  'nd-neighbor-solicit': 135,
  'nd-neighbor-advert': 136,
  'nd-redirect': 137,
};

export const TYPES: Readonly<Record<ValueType, TypeInfo>> = {
  ipv4_addr: address(7, 4),
  ipv6_addr: address(8, 16),
  ether_addr: etherAddress,
  ether_type: numeric({ number: 10, length: 2, order: 'big', names: ETHER_TYPES, hex: true }),
  arp_op: numeric({ number: 11, length: 2, order: 'big', names: { request: 1, reply: 2 } }),
  inet_proto: numeric({ number: 12, length: 1, order: 'big', names: PROTOCOLS }),
  inet_service: numeric({ number: 13, length: 2, order: 'big' }),
  icmp_type: numeric({ number: 14, length: 1, order: 'big', names: ICMP }),
  tcp_flag: numeric({
    number: 15,
    length: 1,
    order: 'big',
    names: { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 },
    flags: true,
  }),
  mark: numeric({ number: 19, length: 4, order: 'host', hex: true }),
  iface_index: numeric({ number: 20, length: 4, order: 'host' }),
  uid: numeric({ number: 24, length: 4, order: 'host' }),
  ct_state: numeric({
    number: 26,
    length: 4,
    order: 'host',
    names: { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 },
    flags: true,
  }),
  ct_dir: numeric({ number: 27, length: 1, order: 'host', names: { original: 0, reply: 1 } }),
  ct_status: numeric({
    number: 28,
    length: 4,
    order: 'host',
    flags: true,
    names: { expected: 1, 'seen-reply': 2, assured: 4, confirmed: 8, snat: 16, dnat: 32, dying: 512 },
  }),
  icmpv6_type: numeric({ number: 29, length: 1, order: 'big', names: ICMPV6 }),
  pkt_type: numeric({
    number: 31,
    length: 1,
    order: 'host',
    names: { host: 0, unicast: 0, broadcast: 1, multicast: 2, other: 3 },
  }),
  fib_addrtype: numeric({
    number: 38,
    length: 4,
    order: 'host',
    names: {
      unspec: 0,
      unicast: 1,
      local: 2,
      broadcast: 3,
      anycast: 4,
      multicast: 5,
      blackhole: 6,
      unreachable: 7,
      prohibit: 8,
    },
  }),
  nfproto: numeric({ number: 2, length: 1, order: 'host', names: { ipv4: 2, ipv6: 10 } }),
  ifname,
  integer8: numeric({ number: 4, length: 1, order: 'big' }),
  integer32: numeric({ number: 4, length: 4, order: 'host' }),
};

/** First and last address of `a/n`, for the two address types. */
export function prefixBounds(text: string): { from: Buffer; to: Buffer; length: number } | undefined {
  const prefix = text.includes('/') ? tryParsePrefix(text) : undefined;
  if (!prefix) return undefined;
  const [base = '', bits = ''] = prefix.split('/');
  const from = Buffer.from(ipBytes(tryParseIp(base) ?? bad(text, 'a prefix')));
  const to = Buffer.from(from);
  for (let bit = Number(bits); bit < 8 * to.length; bit++) to[bit >> 3] = (to[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return { from, to, length: Number(bits) };
}

export function paddedLength(length: number): number {
  return (length + 3) & ~3;
}
