import { formatIp, type IpAddress, type Prefix } from '@podwire/base';
import {
  ADDRESS_FAMILIES,
  ROUTE_FLAGS,
  ROUTE_TYPES,
  routeAttributes,
  rtmsg,
  SCOPES,
  type Scope,
} from '@podwire/kernel/rtnetlink';
import { answers, type Route, type RouteType } from './route.ts';

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

/** Reads a route that isPlain. undefined: something stands in the message that plain routes do not have, or it is damaged. */
export function readPlain(body: Buffer, names: ReadonlyMap<number, string>): Route | undefined {
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
