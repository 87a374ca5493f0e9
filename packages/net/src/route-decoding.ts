import { type Family, familyOf, formatIp, type IpAddress, type Prefix, prefixOf } from '@podwire/base';
import { attributesAfter } from '@podwire/kernel';
import {
  ADDRESS_FAMILIES,
  ROUTE_FLAGS,
  ROUTE_TYPES,
  routeAttributes,
  rtmsg,
  SCOPES,
  type Scope,
} from '@podwire/kernel/rtnetlink';
import { decodeEncap } from './encap.ts';
import { decodeHop } from './next-hop.ts';
import { answers, type Route, type RouteType } from './route.ts';
import { decodeMetrics } from './route-metrics.ts';
import { defined, wordOf } from './rtnetlink.ts';

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
    link: byObject || (answers(type) && link === 'lo') ? undefined : link,
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

/** Hundredths of a second, 0 for ever, in the kernel's own words. */
function expiry(ticks: number | undefined): number | undefined {
  return ticks === undefined || ticks <= 0 ? undefined : Math.round(ticks / 100);
}

function prefixRead(address: IpAddress | undefined, length: number, family: Family): Prefix | undefined {
  const whole = address ?? ((family === 'ipv4' ? '0.0.0.0' : '::') as IpAddress);
  return length > (familyOf(whole) === 'ipv4' ? 32 : 128) ? undefined : prefixOf(whole, length);
}

type Names = ReadonlyMap<number, string>;

/**
 * As decodeRoute. Routes with one next hop, of which there may be hundreds of thousands, are read without a detour over
 * attribute tables; the result is the same.
 */
export function readRoute(body: Buffer, names: Names): Route | undefined {
  return readPlain(body, names) ?? decodeRoute(body, names);
}

const wordsOf = <W extends string>(table: Readonly<Record<W, number>>): ReadonlyMap<number, W> =>
  new Map(Object.entries<number>(table).map(([word, value]) => [value, word as W]));
const TYPES = wordsOf(ROUTE_TYPES);
const SCOPE_WORDS = wordsOf(SCOPES);
const HEADER = rtmsg.size;

/** The fields of a route while its attributes are read. */
interface PlainRoute {
  destination?: string;
  via?: IpAddress;
  outIndex?: number;
  priority?: number;
  source?: IpAddress;
  table: number;
}

/** undefined: something stands in the message that plain routes do not have, or it is damaged. */
function readPlain(body: Buffer, names: Names): Route | undefined {
  if (body.length < HEADER) return undefined;
  const [family, length] = [body[0], body[1] as number];
  const bytes = family === ADDRESS_FAMILIES.ipv4 ? 4 : family === ADDRESS_FAMILIES.ipv6 ? 16 : 0;
  const [scope, type] = [SCOPE_WORDS.get(body[6] as number), TYPES.get(body[7] as number)];
  // source length, type of service; flags but onlink
  if (bytes === 0 || length > bytes * 8 || body[2] !== 0 || body[3] !== 0) return undefined;
  if (scope === undefined || type === undefined || type === 'unspec') return undefined;
  const flags = body.readUInt32LE(8);
  if ((flags & ~ROUTE_FLAGS.onlink) !== 0) return undefined;
  const plain: PlainRoute = { table: body[4] as number };
  for (let at = HEADER; body.length - at >= 4; ) {
    const size = body.readUInt16LE(at);
    if (size < 4 || at + size > body.length || !readAttribute(plain, body, { at, size, bytes })) return undefined;
    at += (size + 3) & ~3;
  }
  const { destination = bytes === 4 ? '0.0.0.0' : '::', via, outIndex, priority, source, table } = plain;
  const name = outIndex === undefined ? undefined : names.get(outIndex);
  const link = name === 'lo' && answers(type) ? undefined : name;
  const route: { -readonly [K in keyof Route]: Route[K] } = {
    destination: `${destination}/${length}` as Prefix,
    protocol: body[5] as number,
    scope: scope as Scope,
    table,
    type: type as RouteType,
  };
  if (via !== undefined) route.via = via;
  if (link !== undefined) route.link = link;
  if (source !== undefined) route.source = source;
  if (priority !== undefined) route.priority = priority;
  if (flags !== 0) route.onlink = true;
  return route;
}

const { destination, gateway, outIndex, priority, source, table, cacheInfo, preference } = routeAttributes.rows;
const [RTA_DST, RTA_GATEWAY, RTA_OIF, RTA_PRIORITY] = [destination[0], gateway[0], outIndex[0], priority[0]];
const [RTA_PREFSRC, RTA_TABLE, RTA_CACHEINFO, RTA_PREF] = [source[0], table[0], cacheInfo[0], preference[0]];
/** Where the lifetime stands in struct rta_cacheinfo. */
const EXPIRES_AT = 8;

interface Place {
  readonly at: number;
  readonly size: number;
  /** Of an address of the route's family. */
  readonly bytes: number;
}

/** False: not an attribute of plain routes, or not with this payload. */
function readAttribute(plain: PlainRoute, body: Buffer, { at, size, bytes }: Place): boolean {
  const start = at + 4;
  const length = size - 4;
  switch (body.readUInt16LE(at + 2)) {
    case RTA_DST:
      if (length === bytes) plain.destination = textAt(body, start, bytes);
      return length === bytes;
    case RTA_GATEWAY:
      if (length === bytes) plain.via = textAt(body, start, bytes);
      return length === bytes;
    case RTA_PREFSRC:
      if (length === bytes) plain.source = textAt(body, start, bytes);
      return length === bytes;
    case RTA_OIF:
      if (length === 4) plain.outIndex = body.readUInt32LE(start);
      return length === 4;
    case RTA_PRIORITY:
      if (length === 4) plain.priority = body.readUInt32LE(start);
      return length === 4;
    case RTA_TABLE:
      if (length === 4) plain.table = body.readUInt32LE(start);
      return length === 4;
    case RTA_CACHEINFO:
      return length >= EXPIRES_AT + 4 && body.readInt32LE(start + EXPIRES_AT) === 0;
    case RTA_PREF:
      return length === 1 && body[start] === 0; // medium
    default:
      return false;
  }
}

function textAt(body: Buffer, at: number, bytes: number): IpAddress {
  if (bytes === 4) return `${body[at]}.${body[at + 1]}.${body[at + 2]}.${body[at + 3]}` as IpAddress;
  return formatIp(body.subarray(at, at + bytes));
}
