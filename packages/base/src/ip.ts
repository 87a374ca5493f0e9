import { PodwireError } from './errors.ts';
import { formatIpv6, parseIpv6 } from './ipv6-text.ts';

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** An IPv4 address in dotted decimal, no leading zeros. */
export type Ipv4 = Branded<string, 'Ipv4'>;
/** An IPv6 address in the canonical text of RFC 5952. */
export type Ipv6 = Branded<string, 'Ipv6'>;
export type IpAddress = Ipv4 | Ipv6;
/** `address/length`, host bits zero. */
export type Prefix = Branded<string, 'Prefix'>;
/** 1 to 65535. */
export type Port = Branded<number, 'Port'>;
/** The kernel's interface index, 1 and up; unique in a network namespace. */
export type IfIndex = Branded<number, 'IfIndex'>;
export type Family = 'ipv4' | 'ipv6';

const [DOT, ZERO] = [46, 48];

/**
 * The address as a number of 32 bits, or -1 if the text is not four decimal numbers. Octal and hexadecimal parts are
 * refused. By character code, since tables of routes and endpoints hold hundreds of thousands of addresses.
 */
export function ipv4Number(text: string): number {
  let [all, part, digits, dots] = [0, 0, 0, 0];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0) return -1;
      all = all * 256 + part;
      [part, digits] = [0, 0];
      dots++;
    } else {
      const digit = code - ZERO;
      if (digit < 0 || digit > 9 || (digits > 0 && part === 0)) return -1;
      part = part * 10 + digit;
      digits++;
      if (part > 255) return -1;
    }
  }
  return dots === 3 && digits > 0 ? all * 256 + part : -1;
}

/** The address' bytes (4 or 16), or undefined if the text is not an address. */
function parseBytes(text: string): Uint8Array | undefined {
  if (text.includes(':')) return parseIpv6(text);
  const number = ipv4Number(text);
  if (number < 0) return undefined;
  return Uint8Array.of(number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255);
}

/** Canonical text of 4 or 16 address bytes (RFC 5952). */
export function formatIp(bytes: Uint8Array): IpAddress {
  return bytes.length === 4 ? (bytes.join('.') as Ipv4) : (formatIpv6(bytes) as Ipv6);
}

/** The canonical form of an address, or undefined. Never throws. */
export function tryParseIp(text: string): IpAddress | undefined {
  // what this accepts is canonical already
  if (!text.includes(':')) return ipv4Number(text) < 0 ? undefined : (text as Ipv4);
  const bytes = parseBytes(text);
  return bytes && formatIp(bytes);
}

/** As tryParseIp, but throws BASE_BAD_ADDRESS. */
export function parseIp(text: string): IpAddress {
  const ip = tryParseIp(text);
  if (!ip)
    throw new PodwireError(
      'BASE_BAD_ADDRESS',
      `"${text}" is not an IP address; write 10.1.2.3 or fd00::1, without leading zeros`,
    );
  return ip;
}

export function ipBytes(ip: IpAddress): Uint8Array {
  return parseBytes(ip) as Uint8Array;
}

export function familyOf(ipOrPrefix: IpAddress | Prefix): Family {
  return ipOrPrefix.includes(':') ? 'ipv6' : 'ipv4';
}

/** The address as an unsigned number: 32 or 128 bits. */
export function ipToBigInt(ip: IpAddress): bigint {
  return ipBytes(ip).reduce((all, byte) => (all << 8n) | BigInt(byte), 0n);
}

export function ipFromBigInt(value: bigint, family: Family): IpAddress {
  const bytes = new Uint8Array(family === 'ipv4' ? 4 : 16);
  for (let i = bytes.length - 1; i >= 0; i--, value >>= 8n) bytes[i] = Number(value & 255n);
  return formatIp(bytes);
}

export interface PrefixParts {
  readonly address: IpAddress;
  readonly length: number;
  readonly family: Family;
}

export function prefixParts(prefix: Prefix): PrefixParts {
  const slash = prefix.indexOf('/');
  const address = prefix.slice(0, slash) as IpAddress;
  return { address, length: Number(prefix.slice(slash + 1)), family: familyOf(address) };
}

/** `a/n` with the host bits cleared, or undefined. A bare address is a host prefix. Never throws. */
export function tryParsePrefix(text: string): Prefix | undefined {
  const [addressText = '', lengthText, ...rest] = text.split('/');
  const address = tryParseIp(addressText);
  if (!address || rest.length > 0) return undefined;
  const bits = familyOf(address) === 'ipv4' ? 32 : 128;
  if (lengthText !== undefined && !/^(0|[1-9]\d{0,2})$/.test(lengthText)) return undefined;
  const length = lengthText === undefined ? bits : Number(lengthText);
  if (length > bits) return undefined;
  return prefixOf(address, length);
}

/** As tryParsePrefix, but throws BASE_BAD_PREFIX. */
export function parsePrefix(text: string): Prefix {
  const prefix = tryParsePrefix(text);
  if (!prefix)
    throw new PodwireError('BASE_BAD_PREFIX', `"${text}" is not an address prefix; write 10.244.0.0/16 or fd00::/64`);
  return prefix;
}

/** The prefix of the given length that holds the address. */
export function prefixOf(address: IpAddress, length: number): Prefix {
  const bytes = Uint8Array.from(ipBytes(address));
  for (let i = 0; i < bytes.length; i++) {
    const hostBits = Math.min(8, Math.max(0, 8 * (i + 1) - length));
    bytes[i] = ((bytes[i] as number) >> hostBits) << hostBits;
  }
  return `${formatIp(bytes)}/${length}` as Prefix;
}

export function hostPrefix(address: IpAddress): Prefix {
  return `${address}/${familyOf(address) === 'ipv4' ? 32 : 128}` as Prefix;
}

export function prefixContains(prefix: Prefix, ip: IpAddress): boolean {
  const { length, family } = prefixParts(prefix);
  return family === familyOf(ip) && prefixOf(ip, length) === prefix;
}

export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  const [short, long] = prefixParts(a).length <= prefixParts(b).length ? [a, b] : [b, a];
  return prefixContains(short, prefixParts(long).address);
}

/** Number of addresses in the prefix. */
export function prefixSize(prefix: Prefix): bigint {
  const { length, family } = prefixParts(prefix);
  return 1n << BigInt((family === 'ipv4' ? 32 : 128) - length);
}

/** The nth address of the prefix, 0 being the network address. */
export function nthAddress(prefix: Prefix, n: number | bigint): IpAddress {
  const { address, family } = prefixParts(prefix);
  return ipFromBigInt(ipToBigInt(address) + BigInt(n), family);
}

export function tryParsePort(value: unknown): Port | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535
    ? (value as Port)
    : undefined;
}

/** Sorts addresses and prefixes by value, IPv4 first, shorter prefix first. */
export function compareIp(a: IpAddress | Prefix, b: IpAddress | Prefix): number {
  const [m, n] = [ipv4Number(a), ipv4Number(b)];
  if (m >= 0 && n >= 0) return m - n;
  const [x, y] = [a, b].map((t) => prefixParts((t.includes('/') ? t : hostPrefix(t as IpAddress)) as Prefix)) as [
    PrefixParts,
    PrefixParts,
  ];
  if (x.family !== y.family) return x.family < y.family ? -1 : 1;
  const [vx, vy] = [ipToBigInt(x.address), ipToBigInt(y.address)];
  return vx === vy ? x.length - y.length : vx < vy ? -1 : 1;
}
