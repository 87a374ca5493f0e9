import { isIP } from 'node:net';
import type { Environment } from '@marcbachmann/cel-js';
import {
  familyOf,
  type IpAddress,
  type Prefix,
  parsePrefix,
  prefixContains,
  prefixParts,
  tryParseIp,
  tryParsePrefix,
} from '@podwire/base';
import { isCidr } from '../../schema/addresses.ts';

class Ip {
  readonly address: IpAddress;
  constructor(address: IpAddress) {
    this.address = address;
  }
  toString(): string {
    return this.address;
  }
}

class Cidr {
  readonly prefix: Prefix;
  /** As it was written, with bits after the prefix. */
  readonly address: IpAddress;
  constructor(prefix: Prefix, address: IpAddress) {
    this.prefix = prefix;
    this.address = address;
  }
  toString(): string {
    return `${this.address}/${prefixParts(this.prefix).length}`;
  }
}

class IpNamespace {}

const within = (...prefixes: string[]) => {
  const parsed = prefixes.map(parsePrefix);
  return ({ address }: Ip) => parsed.some((prefix) => prefixContains(prefix, address));
};
const isUnspecified = ({ address }: Ip) => address === '0.0.0.0' || address === '::';
const isLoopback = within('127.0.0.0/8', '::1/128');
const isLinkLocalMulticast = within('224.0.0.0/24', 'ff02::/16');
const isLinkLocalUnicast = within('169.254.0.0/16', 'fe80::/10');
const isMulticast = within('224.0.0.0/4', 'ff00::/8');

/** Kubernetes' functions of addresses and ranges: `ip('10.0.0.1').isLoopback()`, `cidr('10.0.0.0/8').containsIP(...)`. */
export function registerAddresses(environment: Environment): void {
  environment
    .registerType('net.IP', Ip)
    .registerType('net.CIDR', Cidr)
    .registerFunction('isIP(string): bool', (text: string) => tryIp(text) !== undefined)
    .registerFunction('ip(string): net.IP', toIp)
    .registerOperator('net.IP == net.IP', (a: Ip, b: Ip) => a.address === b.address)
    .registerOperator('net.CIDR == net.CIDR', (a: Cidr, b: Cidr) => String(a) === String(b))
    .registerFunction('string(net.IP): string', String)
    .registerFunction('string(net.CIDR): string', String);
  registerIpMethods(environment);
  registerCidrs(environment);
}

function registerIpMethods(environment: Environment): void {
  environment
    .registerType('IpNamespace', IpNamespace)
    .registerConstant('ip', 'IpNamespace', new IpNamespace())
    .registerFunction(
      'IpNamespace.isCanonical(string): bool',
      (_: unknown, text: string) => toIp(text).address === text,
    )
    .registerFunction('net.IP.family(): int', ({ address }: Ip) => (familyOf(address) === 'ipv4' ? 4n : 6n))
    .registerFunction('net.IP.isUnspecified(): bool', isUnspecified)
    .registerFunction('net.IP.isLoopback(): bool', isLoopback)
    .registerFunction('net.IP.isLinkLocalMulticast(): bool', isLinkLocalMulticast)
    .registerFunction('net.IP.isLinkLocalUnicast(): bool', isLinkLocalUnicast)
    .registerFunction('net.IP.isGlobalUnicast(): bool', isGlobalUnicast);
}

function registerCidrs(environment: Environment): void {
  const contains = ({ prefix }: Cidr, ip: Ip) => prefixContains(prefix, ip.address);
  const holds = (outer: Cidr, inner: Cidr) =>
    contains(outer, new Ip(inner.address)) && prefixParts(outer.prefix).length <= prefixParts(inner.prefix).length;
  environment
    .registerFunction('isCIDR(string): bool', (text: string) => isCidr(text))
    .registerFunction('cidr(string): net.CIDR', toCidr)
    .registerFunction('net.CIDR.containsIP(net.IP): bool', contains)
    .registerFunction('net.CIDR.containsIP(string): bool', (cidr: Cidr, text: string) => contains(cidr, toIp(text)))
    .registerFunction('net.CIDR.containsCIDR(net.CIDR): bool', holds)
    .registerFunction('net.CIDR.containsCIDR(string): bool', (cidr: Cidr, text: string) => holds(cidr, toCidr(text)))
    .registerFunction('net.CIDR.ip(): net.IP', ({ address }: Cidr) => new Ip(address))
    .registerFunction(
      'net.CIDR.masked(): net.CIDR',
      ({ prefix }: Cidr) => new Cidr(prefix, prefixParts(prefix).address),
    )
    .registerFunction('net.CIDR.prefixLength(): int', ({ prefix }: Cidr) => BigInt(prefixParts(prefix).length));
}

function isGlobalUnicast(ip: Ip): boolean {
  const special = isUnspecified(ip) || isLoopback(ip) || isMulticast(ip) || isLinkLocalUnicast(ip);
  return !special && ip.address !== '255.255.255.255';
}

function tryIp(text: string): IpAddress | undefined {
  return isIP(text) !== 0 && !text.includes('%') && !text.toLowerCase().startsWith('::ffff:')
    ? tryParseIp(text)
    : undefined;
}

function toIp(text: string): Ip {
  const address = tryIp(text);
  if (!address) throw new TypeError(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  return new Ip(address);
}

function toCidr(text: string): Cidr {
  const prefix = isCidr(text) ? tryParsePrefix(text) : undefined;
  const address = tryParseIp(text.slice(0, text.indexOf('/')));
  if (!prefix || !address) throw new TypeError(`network address parse error during conversion from string: ${text}`);
  return new Cidr(prefix, address);
}
