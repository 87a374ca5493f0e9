import { ipBytes, ipv4Number } from '@podwire/base';
import type { ByteWriter } from '@podwire/kernel';
import { ADDRESS_FAMILIES, ROUTE_FLAGS, ROUTE_TYPES, routeAttributes, SCOPES } from '@podwire/kernel/rtnetlink';
import type { HopPlace } from './next-hop.ts';
import { DEFAULT_PROTOCOL, linkOf, MAIN_TABLE, priorityOf, type Route, scopeOf } from './route.ts';

export interface RoutePlace {
  readonly indexOf: HopPlace['indexOf'];
  readonly remove: boolean;
}

/** An IPv4 address as a number, an IPv6 one as bytes. */
type Raw = number | Uint8Array;

/** Appends a route that isPlain. False, and nothing is written: a value is not what it should be, or of the other family. */
export function writePlain(out: ByteWriter, route: Route, { indexOf, remove }: RoutePlace): boolean {
  const { destination, via, source, onlink } = route;
  const slash = destination.indexOf('/');
  const length = lengthOf(destination, slash + 1);
  const address = rawOf(destination.slice(0, slash));
  const gateway = via === undefined ? undefined : rawOf(via);
  const preferred = source === undefined ? undefined : rawOf(source);
  const isLike = (text: string | undefined, raw: Raw | undefined) =>
    text === undefined || typeof raw === typeof address;
  if (address === undefined || length > bitsOf(address) || !isLike(via, gateway) || !isLike(source, preferred))
    return false;
  const header = headerOf(route, remove);
  const priority = remove ? route.priority : priorityOf(route);
  if (header === undefined || !isWord(priority ?? 0)) return false;
  const link = linkOf(route);
  const outIndex = link === undefined ? undefined : indexOf(link);
  out.u8(typeof address === 'number' ? ADDRESS_FAMILIES.ipv4 : ADDRESS_FAMILIES.ipv6);
  out.u8(length);
  out.u16(0); // source length and type of service
  out.u8(header.table < 256 ? header.table : 0);
  out.u8(header.protocol);
  out.u8(header.scope);
  out.u8(header.type);
  out.u32(onlink ? ROUTE_FLAGS.onlink : 0);
  writeAddress(out, RTA_DST, masked(address, length));
  if (outIndex !== undefined) writeWord(out, RTA_OIF, outIndex);
  if (gateway !== undefined) writeAddress(out, RTA_GATEWAY, gateway);
  if (priority) writeWord(out, RTA_PRIORITY, priority);
  if (preferred !== undefined) writeAddress(out, RTA_PREFSRC, preferred);
  writeWord(out, RTA_TABLE, header.table);
  return true;
}

function headerOf(route: Route, remove: boolean) {
  const table = route.table || MAIN_TABLE;
  const protocol = route.protocol ?? (remove ? 0 : DEFAULT_PROTOCOL);
  const scope: number | undefined = SCOPES[remove ? 'nowhere' : scopeOf(route)];
  const type: number | undefined = ROUTE_TYPES[route.type ?? (remove ? 'unspec' : 'unicast')];
  if (scope === undefined || type === undefined || !isByte(protocol) || !isWord(table)) return undefined;
  return { table, protocol, scope, type };
}

function rawOf(text: string): Raw | undefined {
  const number = ipv4Number(text);
  if (number >= 0) return number;
  return text.includes(':') ? (ipBytes(text as never) as Uint8Array | undefined) : undefined;
}

const bitsOf = (raw: Raw): number => (typeof raw === 'number' ? 32 : 128);

function masked(raw: Raw, length: number): Raw {
  if (typeof raw === 'number') return length === 0 ? 0 : ((raw >>> (32 - length)) << (32 - length)) >>> 0;
  return raw.map((byte, i) => {
    const hostBits = Math.min(8, Math.max(0, 8 * (i + 1) - length));
    return (byte >> hostBits) << hostBits;
  });
}

const { destination, outIndex, gateway, priority, source, table } = routeAttributes.rows;
const [RTA_DST, RTA_OIF, RTA_GATEWAY] = [destination[0], outIndex[0], gateway[0]];
const [RTA_PRIORITY, RTA_PREFSRC, RTA_TABLE] = [priority[0], source[0], table[0]];

/** The length of an attribute counts its header of four bytes; the type is in the high half. */
function writeWord(out: ByteWriter, type: number, value: number): void {
  out.u32(8 | (type << 16));
  out.u32(value);
}

function writeAddress(out: ByteWriter, type: number, raw: Raw): void {
  out.u32((4 + bitsOf(raw) / 8) | (type << 16));
  if (typeof raw === 'number') out.u32be(raw);
  else out.raw(raw);
}

const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xff;
const isWord = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffffffff;

/** One to three digits to the end of the text, else more than any length. */
function lengthOf(text: string, at: number): number {
  const count = text.length - at;
  if (count < 1 || count > 3 || (count > 1 && text.charCodeAt(at) === 48)) return Number.POSITIVE_INFINITY;
  let value = 0;
  for (let i = at; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.POSITIVE_INFINITY;
    value = value * 10 + digit;
  }
  return value;
}
