import fs from 'node:fs';
import { formatIp, ipBytes, ipv4Number, tryParseIp, tryParsePrefix } from '@podwire/base';
import { NAMES } from './constant-name.ts';
import type { DataType } from './model.ts';
import { quote } from './name.ts';
import { bad, NUMBER, type NumberShape, numeric, plain, readNumber, type TypeInfo, writeNumber } from './type-info.ts';

export type { TypeInfo } from './type-info.ts';

/** Types that only expressions have, besides those that sets may have. */
export type ValueType =
  | DataType
  | 'ecn'
  | 'time'
  | 'day'
  | 'hour'
  | 'bit'
  | 'integer8'
  | 'integer16'
  | 'integer16be'
  | 'integer24be'
  | 'integer32'
  | 'integer32be'
  | 'integer64'
  | 'raw'
  | 'boolean'
  | 'duration'
  | 'helper'
  | 'ifkind'
  | 'os_name'
  | 'ct_event';

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
    write(bytes, at, value) {
      const number = length === 4 && typeof value === 'string' ? ipv4Number(value) : -1;
      if (number < 0) return false;
      bytes.writeUInt32BE(number, at);
      return true;
    },
    decode: (bytes) => formatIp(bytes.subarray(0, length)),
    format: (value) => parse(value),
  };
}

const etherAddress: TypeInfo = plain({
  number: 9,
  length: 6,
  order: 'big',
  encode: (value) => {
    if (typeof value !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value)) return bad(value, 'a MAC address');
    return Buffer.from(value.replaceAll(':', ''), 'hex');
  },
  decode: (bytes) => [...bytes.subarray(0, 6)].map((b) => b.toString(16).padStart(2, '0')).join(':'),
  format: (value) => etherAddress.decode(etherAddress.encode(value)) as string,
});

/** Text of up to 15 bytes, zeros behind it. */
function string16(number: number, pattern: RegExp, what: string): TypeInfo {
  const check = (value: string | number): string =>
    typeof value === 'string' && pattern.test(value) && Buffer.byteLength(value) <= 15 ? value : bad(value, what);
  return plain({
    number,
    length: 16,
    order: 'host',
    encode(value) {
      const bytes = Buffer.alloc(16);
      bytes.write(check(value));
      return bytes;
    },
    decode: (bytes) => bytes.subarray(0, 16).toString().replace(/\0.*$/s, ''),
    format: (value) => quote(check(value)),
  });
}

/** A number of which people write the parts: `text` reads and prints them, numbers are taken as they are. */
function spelled(shape: NumberShape, read: (text: string) => number, print: (n: number) => string): TypeInfo {
  const base = numeric(shape);
  const toNumber = (value: string | number): number =>
    typeof value === 'number' || NUMBER.test(value) ? Number(value) : read(value);
  return plain({
    ...base,
    encode: (value) => base.encode(toNumber(value)),
    format: (value) => print(Number(base.decode(base.encode(toNumber(value))))),
    formatEnd: (value) => print(Number(base.decode(base.encode(toNumber(value))))),
  });
}

/** `major:minor`, both hexadecimal. */
function parseClassid(text: string): number {
  const [, major, minor] = /^([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(text) ?? [];
  return major === undefined || minor === undefined
    ? bad(text, 'a traffic class major:minor')
    : Number.parseInt(major, 16) * 65536 + Number.parseInt(minor, 16);
}

/** Time of day, UTC. */
function parseHour(text: string): number {
  const [, h, m, s] = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text) ?? [];
  return h === undefined
    ? bad(text, 'a time of day HH:MM or HH:MM:SS')
    : Number(h) * 3600 + Number(m) * 60 + Number(s ?? 0);
}

function formatHour(n: number): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const seconds = n % 60 ? `:${two(n % 60)}` : '';
  return `"${two(Math.floor(n / 3600))}:${two(Math.floor(n / 60) % 60)}${seconds}"`;
}

/** Seconds since 1970, or ISO 8601 text; the kernel counts nanoseconds. */
const time: TypeInfo = plain({
  number: 43,
  length: 8,
  order: 'host',
  encode: (value) => writeNumber(BigInt(unixSeconds(value)) * 1_000_000_000n, 8, 'host'),
  decode: (bytes) => Math.floor(Number(bytes.readBigUInt64LE(0)) / 1e9),
  format: (value) => String(unixSeconds(value)),
});

function unixSeconds(value: string | number): number {
  const seconds = typeof value === 'number' || NUMBER.test(value) ? Number(value) : Date.parse(value) / 1000;
  return Number.isSafeInteger(seconds) && seconds >= 0 ? seconds : bad(value, 'a time: seconds since 1970 or ISO 8601');
}

/** The number of the bit; 128 of them. */
const ctLabel: TypeInfo = plain({
  number: 30,
  length: 16,
  order: 'host',
  encode: (value) => writeNumber(1n << BigInt(labelBit(value)), 16, 'host'),
  decode(bytes) {
    const at = bytes.findIndex((byte) => byte !== 0);
    return at < 0 ? 0 : 8 * at + Math.log2((bytes[at] ?? 1) & -(bytes[at] ?? 1));
  },
  format: (value) => String(labelBit(value)),
});

const labelBit = (value: string | number): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 128
    ? value
    : bad(value, 'a bit 0 to 127');

const CGROUPS = '/sys/fs/cgroup';
/** A path below the root of cgroups, which must exist when the rule is written, or the cgroup's number. */
const cgroupsv2: TypeInfo = plain({
  number: 46,
  length: 8,
  order: 'host',
  encode: (value) => writeNumber(typeof value === 'number' ? value : cgroupNumber(value), 8, 'host'),
  decode: (bytes) => readNumber(bytes, 8, 'host'),
  format: (value) => (typeof value === 'number' ? String(value) : quote(checkCgroup(value))),
});

const checkCgroup = (path: string): string =>
  /^[\w@.:-]+(\/[\w@.:-]+)*$/.test(path) && !path.split('/').includes('..') ? path : bad(path, 'a cgroup path');

function cgroupNumber(path: string): bigint {
  const stat = fs.statSync(`${CGROUPS}/${checkCgroup(path)}`, { bigint: true, throwIfNoEntry: false });
  return stat?.ino ?? bad(path, `a cgroup below ${CGROUPS}`);
}

/** Bytes of a packet without a name: `raw` values are hexadecimal text. */
const raw: TypeInfo = plain({
  number: 4,
  length: 0,
  order: 'big',
  encode: (value) =>
    /^0x([0-9a-f]{2})+$/i.test(String(value))
      ? Buffer.from(String(value).slice(2), 'hex')
      : bad(value, 'hexadecimal 0x..'),
  decode: (bytes) => `0x${bytes.toString('hex')}`,
  format: (value) => raw.decode(raw.encode(value)) as string,
});

/** Milliseconds in the kernel, seconds in the model. */
const duration: TypeInfo = (() => {
  const base = numeric({ number: 18, length: 4, order: 'host' });
  const ms = (value: string | number) => Math.round(Number(value) * 1000);
  return plain({
    ...base,
    encode: (value) => base.encode(ms(value)),
    decode: (bytes) => bytes.readUInt32LE(0) / 1000,
    format: (value) => formatDuration(Number(base.decode(base.encode(ms(value)))) / 1000),
  });
})();

/** Seconds in nft's units, `1m30s`; fractions as milliseconds. */
export function formatDuration(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  if (!Number.isSafeInteger(ms) || ms < 0) return bad(seconds, 'a time in seconds');
  return ms % 1000 ? `${Math.floor(ms / 1000)}s${ms % 1000}ms` : `${ms / 1000}s`;
}

/** A backslash at the end would make a character of the star behind it (nft(8)). */
const IFNAME = /^[^\s\p{Cc}"/*]{0,14}[^\s\p{Cc}"/*\\]$/u;
const WORD = /^[\w.:-]+$/;

export const TYPES: Readonly<Record<ValueType, TypeInfo>> = {
  nf_proto: numeric({ number: 2, length: 1, order: 'host', names: NAMES.nf_proto }),
  bit: numeric({ number: 4, length: 1, order: 'big', bits: 1 }),
  integer8: numeric({ number: 4, length: 1, order: 'big' }),
  integer16: numeric({ number: 4, length: 2, order: 'host' }),
  integer16be: numeric({ number: 4, length: 2, order: 'big' }),
  integer24be: numeric({ number: 4, length: 3, order: 'big', bits: 20 }),
  integer32: numeric({ number: 4, length: 4, order: 'host' }),
  integer32be: numeric({ number: 4, length: 4, order: 'big' }),
  integer64: numeric({ number: 4, length: 8, order: 'host' }),
  raw,
  helper: string16(5, WORD, 'the name of a conntrack helper'),
  ifkind: string16(5, WORD, 'a kind of interface'),
  os_name: string16(5, WORD, 'the name of an operating system'),
  ipv4_addr: address(7, 4),
  ipv6_addr: address(8, 16),
  ether_addr: etherAddress,
  ether_type: numeric({ number: 10, length: 2, order: 'big', names: NAMES.ether_type, hex: true }),
  arp_op: numeric({ number: 11, length: 2, order: 'big', names: NAMES.arp_op }),
  inet_proto: numeric({ number: 12, length: 1, order: 'big', names: NAMES.inet_proto }),
  inet_service: numeric({ number: 13, length: 2, order: 'big' }),
  icmp_type: numeric({ number: 14, length: 1, order: 'big', names: NAMES.icmp_type }),
  tcp_flag: numeric({ number: 15, length: 1, order: 'big', names: NAMES.tcp_flag, flags: true }),
  duration,
  mark: numeric({ number: 19, length: 4, order: 'host', hex: true }),
  iface_index: numeric({ number: 20, length: 4, order: 'host' }),
  iface_type: numeric({ number: 21, length: 2, order: 'host', names: NAMES.iface_type }),
  realm: numeric({ number: 22, length: 4, order: 'host' }),
  classid: spelled(
    { number: 23, length: 4, order: 'host' },
    parseClassid,
    (n) => `${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}`,
  ),
  uid: numeric({ number: 24, length: 4, order: 'host' }),
  gid: numeric({ number: 25, length: 4, order: 'host' }),
  ct_state: numeric({ number: 26, length: 4, order: 'host', names: NAMES.ct_state, flags: true }),
  ct_dir: numeric({ number: 27, length: 1, order: 'host', names: NAMES.ct_dir }),
  ct_status: numeric({ number: 28, length: 4, order: 'host', names: NAMES.ct_status, flags: true }),
  icmpv6_type: numeric({ number: 29, length: 1, order: 'big', names: NAMES.icmpv6_type }),
  ct_label: ctLabel,
  pkt_type: numeric({ number: 31, length: 1, order: 'host', names: NAMES.pkt_type }),
  icmp_code: numeric({ number: 32, length: 1, order: 'big', names: NAMES.icmp_code }),
  icmpv6_code: numeric({ number: 33, length: 1, order: 'big', names: NAMES.icmpv6_code }),
  devgroup: numeric({ number: 35, length: 4, order: 'host' }),
  dscp: numeric({ number: 36, length: 1, order: 'big', bits: 6, names: NAMES.dscp }),
  ecn: numeric({ number: 37, length: 1, order: 'big', bits: 2, names: NAMES.ecn }),
  fib_addrtype: numeric({ number: 38, length: 4, order: 'host', names: NAMES.fib_addrtype }),
  boolean: numeric({ number: 39, length: 1, order: 'host', bits: 1, names: NAMES.boolean }),
  ct_event: ctEvent(),
  ifname: string16(41, IFNAME, 'an interface name'),
  igmp_type: numeric({ number: 42, length: 1, order: 'big', names: NAMES.igmp_type }),
  time,
  hour: spelled({ number: 44, length: 4, order: 'host' }, parseHour, formatHour),
  day: spelledDay(),
  cgroupsv2,
};

function spelledDay(): TypeInfo {
  const base = numeric({ number: 45, length: 1, order: 'big', names: NAMES.day });
  return { ...base, format: (value) => quote(base.format(value)) };
}

/** As a number, because names of events are keywords elsewhere in nft's grammar. */
function ctEvent(): TypeInfo {
  const base = numeric({ number: 40, length: 4, order: 'host', names: NAMES.ct_event, flags: true });
  return { ...base, format: (value) => `0x${base.encode(value).readUInt32LE(0).toString(16)}` };
}

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
