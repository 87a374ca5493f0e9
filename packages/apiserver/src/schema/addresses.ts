/**
 * Addresses and ranges as fields of the API hold them. Each validator returns what is wrong, in the words of the real
 * server; empty: nothing. Leading zeros and IPv4-mapped addresses, which some programs read otherwise than others, are
 * refused (KEP-4858).
 */
import { type IpAddress, parsePrefix, prefixContains, prefixParts, tryParseIp, tryParsePrefix } from '@podwire/base';

type Messages = readonly string[];

export const BAD_IP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
export const BAD_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

const MAPPED = parsePrefix('::ffff:0:0/96');
const LOOPBACK = ['127.0.0.0/8', '::1/128'].map(parsePrefix);
const LINK_LOCAL = ['169.254.0.0/16', 'fe80::/10'].map(parsePrefix);
const LINK_LOCAL_MULTICAST = ['224.0.0.0/24', 'ff02::/16'].map(parsePrefix);

const inOneOf = (prefixes: typeof LOOPBACK, address: IpAddress) =>
  prefixes.some((prefix) => prefixContains(prefix, address));
const withoutLeadingZeros = (text: string) => text.replace(/(^|[./])0+(?=\d)/g, '$1');

/** In any spelling that has one meaning: capitals and unshortened IPv6 are allowed. */
export function ipAddress(text: string): Messages {
  const address = tryParseIp(text);
  if (!address) return [tryParseIp(withoutLeadingZeros(text)) ? 'must not have leading 0s' : BAD_IP];
  return prefixContains(MAPPED, address) ? ['must not be an IPv4-mapped IPv6 address'] : [];
}

/** In the one spelling of RFC 5952, as names of objects are. */
export function canonicalIp(text: string): Messages {
  const wrong = ipAddress(text);
  const address = tryParseIp(text);
  return wrong.length > 0 || address === text ? wrong : [`must be in canonical form (${JSON.stringify(address)})`];
}

/** An address that can be somewhere in the network; what is no address at all is not reported here. */
export function reachableIp(text: string): Messages {
  const address = tryParseIp(text);
  if (!address) return [];
  if (address === '0.0.0.0' || address === '::') return [`may not be unspecified (${text})`];
  if (inOneOf(LOOPBACK, address)) return ['may not be in the loopback range (127.0.0.0/8, ::1/128)'];
  if (inOneOf(LINK_LOCAL, address)) return ['may not be in the link-local range (169.254.0.0/16, fe80::/10)'];
  if (!inOneOf(LINK_LOCAL_MULTICAST, address)) return [];
  return ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'];
}

export function isCidr(text: string): boolean {
  return text.includes('/') && tryParsePrefix(text) !== undefined;
}

/** A range in any spelling that has one meaning. Bits after the prefix are allowed and ignored. */
export function cidr(text: string): Messages {
  const prefix = text.includes('/') ? tryParsePrefix(text) : undefined;
  if (!prefix) {
    const readable = isCidr(withoutLeadingZeros(text));
    return [readable ? 'must not have leading 0s in IP or prefix length' : BAD_CIDR];
  }
  const { address } = prefixParts(prefix);
  return prefixContains(MAPPED, address) ? ['must not have an IPv4-mapped IPv6 address'] : [];
}

/** A range without bits after the prefix, in the spelling of RFC 5952. */
export function canonicalCidr(text: string): Messages {
  const wrong = cidr(text);
  const prefix = tryParsePrefix(text);
  if (wrong.length > 0 || prefix === undefined || prefix === text) return wrong;
  const given = tryParseIp(text.slice(0, text.indexOf('/')));
  if (given !== prefixParts(prefix).address) return ['must not have bits set beyond the prefix length'];
  return [`must be in canonical form (${JSON.stringify(prefix)})`];
}
