import { type Family, familyOf, type IpAddress, ipv4Number, type Prefix, prefixOf } from '@podwire/base';
import { attributesAfter, type ByteWriter, encodeBody } from '@podwire/kernel';
import { ADDRESS_FAMILIES, ROUTE_FLAGS, ROUTE_TYPES, routeAttributes, rtmsg, SCOPES } from '@podwire/kernel/rtnetlink';
import { decodeEncap, encodeEncap } from './encap.ts';
import { decodeHop, encodeHop, type HopPlace, viaAttribute } from './next-hop.ts';
import {
  DEFAULT_PROTOCOL,
  MAIN_TABLE,
  normalizeRoute,
  type Route,
  type RouteType,
  routeText,
  scopeOf,
} from './route.ts';
import { decodeMetrics, encodeMetrics } from './route-metrics.ts';
import { defined, encodeFor, misfit, prefixFor, wordOf } from './rtnetlink.ts';

/** Body of RTM_NEWROUTE and RTM_DELROUTE; a removal matches every scope and type. */
export function encodeRoute(route: Route, indexOf: HopPlace['indexOf'], remove: boolean): Buffer {
  const object = routeText(route);
  const { address, length, family } = prefixFor(object, route.destination);
  const { protocol = 0, table = MAIN_TABLE, type = 'unicast', from, nextHops } = route;
  const source = from === undefined ? undefined : prefixFor(object, from);
  const header = {
    family,
    destinationLength: length,
    sourceLength: source?.length ?? 0,
    tos: route.tos ?? 0,
    table: table < 256 ? table : 0,
    protocol,
    scope: remove ? ('nowhere' as const) : (route.scope ?? 'global'),
    type,
    flags: route.onlink ? (['onlink'] as const) : [],
  };
  return encodeFor(object, () =>
    encodeBody(rtmsg, header, routeAttributes, {
      destination: address,
      from: source?.address,
      outIndex: route.link === undefined ? undefined : indexOf(route.link),
      ...viaAttribute(route.via, family),
      priority: route.priority,
      source: route.source,
      metrics: remove ? undefined : encodeMetrics(route),
      multipath: nextHops?.map((hop) => encodeHop(hop, { family, indexOf })),
      table,
      preference: route.preference,
      ...encodeEncap(route.encap),
      expires: route.expires,
      nextHopId: route.nextHopId,
    }),
  );
}

/** Reads one RTM_NEWROUTE or RTM_DELROUTE message; undefined for other families and, unless wanted, cached copies. */
export function decodeRoute(body: Buffer, names: ReadonlyMap<number, string>, wanted?: 'cloned'): Route | undefined {
  const header = rtmsg.read(body);
  const type = wordOf(header.type);
  const { family, flags, destinationLength } = header;
  if ((family !== 'ipv4' && family !== 'ipv6') || !type || (flags.includes('cloned') && !wanted)) return undefined;
  const a = routeAttributes.read(attributesAfter(body, rtmsg.size));
  const destination = prefixRead(a.destination, destinationLength, family);
  if (destination === undefined) return undefined;
  const byObject = a.nextHopId !== undefined;
  const link = a.outIndex === undefined ? undefined : names.get(a.outIndex);
  const has = (flag: 'onlink' | 'dead' | 'linkDown') => flags.includes(flag) || undefined;
  const { mtu, metrics } = decodeMetrics(a.metrics);
  return defined({
    destination,
    via: byObject ? undefined : (a.gateway ?? (a.via instanceof Uint8Array ? undefined : a.via)),
    link: byObject || (isError(type) && link === 'lo') ? undefined : link,
    source: a.source,
    protocol: header.protocol,
    scope: wordOf(header.scope),
    onlink: byObject ? undefined : has('onlink'),
    table: a.table ?? header.table,
    priority: a.priority,
    mtu,
    metrics,
    type: type as RouteType,
    nextHops: byObject ? undefined : a.multipath?.map((hop) => decodeHop(hop, names)),
    nextHopId: a.nextHopId,
    encap: byObject ? undefined : decodeEncap(a.encapType, a.encap),
    tos: header.tos || undefined,
    from: header.sourceLength > 0 ? prefixRead(a.from, header.sourceLength, family) : undefined,
    preference: a.preference === 'medium' ? undefined : wordOf(a.preference),
    expires: a.expires ?? expiry(a.cacheInfo?.expires),
    dead: has('dead'),
    linkDown: has('linkDown'),
  }) as Route;
}

/** Routes that answer instead of forwarding; the kernel says `lo` where IPv6 ones have no link. */
function isError(type: string): boolean {
  return type === 'blackhole' || type === 'unreachable' || type === 'prohibit' || type === 'throw';
}

/** Hundredths of a second, 0 for ever, in the kernel's own words. */
function expiry(ticks: number | undefined): number | undefined {
  return ticks === undefined || ticks <= 0 ? undefined : Math.round(ticks / 100);
}

function prefixRead(address: IpAddress | undefined, length: number, family: Family): Prefix | undefined {
  const whole = address ?? ((family === 'ipv4' ? '0.0.0.0' : '::') as IpAddress);
  return length > (familyOf(whole) === 'ipv4' ? 32 : 128) ? undefined : prefixOf(whole, length);
}

interface RoutePlace {
  readonly indexOf: HopPlace['indexOf'];
  readonly remove: boolean;
}

/**
 * Appends the body of RTM_NEWROUTE or RTM_DELROUTE. IPv4 routes with one next hop, of which there may be hundreds of
 * thousands, are written without a detour over attribute tables; the bytes are the same.
 */
export function writeRoute(out: ByteWriter, route: Route, { indexOf, remove }: RoutePlace): void {
  try {
    if (!isPlain(route) || !writePlain(out, route, { indexOf, remove }))
      out.raw(encodeRoute(remove ? route : normalizeRoute(route), indexOf, remove));
  } catch (error) {
    throw misfit(routeText(route), error);
  }
}

/** Has nothing beyond destination, next hop, link, source, protocol, table, scope, type and priority. */
function isPlain(r: Route): boolean {
  const more = r.nextHops ?? r.metrics ?? r.encap ?? r.from ?? r.nextHopId ?? r.preference ?? r.expires ?? r.mtu;
  return more === undefined && r.tos === undefined;
}

/** False, and nothing is written: a value is not what it should be, or of the other family. */
function writePlain(out: ByteWriter, route: Route, { indexOf, remove }: RoutePlace): boolean {
  const { destination, via, source, link, priority, table = MAIN_TABLE, type = 'unicast' } = route;
  const slash = destination.indexOf('/');
  const length = lengthOf(destination, slash + 1);
  const address = ipv4Number(destination.slice(0, slash));
  const gateway = via === undefined ? -1 : ipv4Number(via);
  const preferred = source === undefined ? -1 : ipv4Number(source);
  const protocol = route.protocol ?? (remove ? 0 : DEFAULT_PROTOCOL);
  const scope: number | undefined = SCOPES[remove ? 'nowhere' : scopeOf(route)];
  const kind: number | undefined = ROUTE_TYPES[type];
  const addresses =
    address >= 0 && length <= 32 && (via === undefined) === gateway < 0 && (source === undefined) === preferred < 0;
  if (!addresses || !isByte(protocol) || !isWord(table) || !isWord(priority ?? 0)) return false;
  if (scope === undefined || kind === undefined) return false;
  const outIndex = link === undefined ? 0 : indexOf(link);
  out.u8(ADDRESS_FAMILIES.ipv4);
  out.u8(length);
  out.u16(0); // source length and type of service
  out.u8(table < 256 ? table : 0);
  out.u8(protocol);
  out.u8(scope);
  out.u8(kind);
  out.u32(route.onlink ? ROUTE_FLAGS.onlink : 0);
  out.u32(RTA_DST);
  out.u32be(length === 0 ? 0 : ((address >>> (32 - length)) << (32 - length)) >>> 0);
  if (link !== undefined) writeWord(out, RTA_OIF, outIndex);
  if (via !== undefined) {
    out.u32(RTA_GATEWAY);
    out.u32be(gateway);
  }
  if (priority !== undefined) writeWord(out, RTA_PRIORITY, priority);
  if (source !== undefined) {
    out.u32(RTA_PREFSRC);
    out.u32be(preferred);
  }
  writeWord(out, RTA_TABLE, table);
  return true;
}

/** Headers of attributes with a payload of four bytes: length 8, type. */
const wordHeader = (type: number): number => 8 | (type << 16);
const RTA_DST = wordHeader(routeAttributes.rows.destination[0]);
const RTA_OIF = wordHeader(routeAttributes.rows.outIndex[0]);
const RTA_GATEWAY = wordHeader(routeAttributes.rows.gateway[0]);
const RTA_PRIORITY = wordHeader(routeAttributes.rows.priority[0]);
const RTA_PREFSRC = wordHeader(routeAttributes.rows.source[0]);
const RTA_TABLE = wordHeader(routeAttributes.rows.table[0]);

function writeWord(out: ByteWriter, header: number, value: number): void {
  out.u32(header);
  out.u32(value);
}

const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xff;
const isWord = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffffffff;

/** One or two digits to the end of the text, else more than any length. */
function lengthOf(text: string, at: number): number {
  const digit = (i: number) => text.charCodeAt(i) - 48;
  const first = digit(at);
  if (text.length === at + 1 && first >= 0 && first <= 9) return first;
  const second = digit(at + 1);
  const good = text.length === at + 2 && first >= 1 && first <= 9 && second >= 0 && second <= 9;
  return good ? first * 10 + second : Number.POSITIVE_INFINITY;
}
