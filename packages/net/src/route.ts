import { type Family, familyOf, type IpAddress, ipBytes, type Prefix, prefixOf, prefixParts } from '@podwire/base';
import {
  attributes,
  attributesAfter,
  codec,
  encodeBody,
  isErrno,
  type KernelError,
  type NetlinkMessage,
  NLM_F,
} from '@podwire/kernel';
import { AF, defined, nameOf, type RouteSocket, RTM, rtmsg } from './rtnetlink.ts';
import { SCOPES, type Scope } from './scope.ts';

const { ip, u32 } = codec;

/** RTN_* of linux/rtnetlink.h; ip-route(8) "TYPE". */
const ROUTE_TYPES = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
} as const;
export type RouteType = keyof typeof ROUTE_TYPES;

/** RT_TABLE_MAIN. */
export const MAIN_TABLE = 254;
/** RTPROT_BOOT, what iproute2 writes unless told otherwise. */
const DEFAULT_PROTOCOL = 3;
const RTNH_F_ONLINK = 4;
const RTM_F_CLONED = 0x200;

/** A route; what is absent has the default of ip-route(8). Observed routes have protocol, scope, table and type. */
export interface Route {
  readonly destination: Prefix;
  /** Next hop; absent: the destination is on the link. */
  readonly via?: IpAddress;
  readonly link?: string;
  /** Preferred source address. */
  readonly source?: IpAddress;
  /** Who made it (RTPROT_*); podwire's marks are numbers of its own. Default 3, boot. */
  readonly protocol?: number;
  /** Default: host for local routes, link for those without a next hop, else global. */
  readonly scope?: Scope;
  /** The next hop is reachable on the link although no prefix says so. */
  readonly onlink?: boolean;
  /** Default 254, main. */
  readonly table?: number;
  readonly priority?: number;
  readonly mtu?: number;
  /** Default unicast. */
  readonly type?: RouteType;
}

export interface RouteFilter {
  readonly protocol?: number;
  /** Default 254, main; 0 means all. */
  readonly table?: number;
  readonly family?: Family;
}

/** RTAX_* of linux/rtnetlink.h. */
const metrics = attributes('route metrics', {
  mtu: [2, u32], // RTAX_MTU
});

/** Attributes of rtmsg messages. */
const routeAttributes = attributes('route', {
  destination: [1, ip], // RTA_DST
  outIndex: [4, u32], // RTA_OIF
  gateway: [5, ip], // RTA_GATEWAY
  priority: [6, u32], // RTA_PRIORITY
  source: [7, ip], // RTA_PREFSRC
  metrics: [8, metrics], // RTA_METRICS
  table: [15, u32], // RTA_TABLE
});

function scopeOf({ destination, via, scope, type = 'unicast' }: Route): Scope {
  return scope ?? defaultScope(type, via !== undefined || familyOf(destination) === 'ipv6');
}

/** The route with the defaults the kernel would fill in, so that equal routes are equal data. */
export function normalizeRoute(route: Route): Route {
  const { protocol = DEFAULT_PROTOCOL, table = MAIN_TABLE, type = 'unicast' } = route;
  const scope = scopeOf(route);
  const { onlink, ...rest } = route;
  return defined({ ...rest, onlink: onlink || undefined, protocol, scope, table, type }) as Route;
}

function defaultScope(type: RouteType, global: boolean): Scope {
  if (type === 'local') return 'host';
  if (type === 'broadcast' || type === 'multicast' || type === 'anycast') return 'link';
  return global || type !== 'unicast' ? 'global' : 'link';
}

/** Body of RTM_NEWROUTE and RTM_DELROUTE; a removal matches every scope. */
function encodeRoute(route: Route, outIndex: number | undefined, remove: boolean): Buffer {
  const { destination, via, source, table = MAIN_TABLE, type = 'unicast' } = route;
  const { address, length, family } = prefixParts(destination);
  const header = {
    family: family === 'ipv4' ? AF.INET : AF.INET6,
    destinationLength: length,
    table: table < 256 ? table : 0,
    protocol: route.protocol ?? (remove ? 0 : DEFAULT_PROTOCOL),
    scope: remove ? SCOPES.nowhere : SCOPES[scopeOf(route)],
    type: ROUTE_TYPES[type],
    flags: route.onlink ? RTNH_F_ONLINK : 0,
  };
  return encodeBody(rtmsg, header, routeAttributes, {
    destination: address,
    outIndex,
    gateway: via,
    priority: route.priority,
    source,
    metrics: route.mtu === undefined ? undefined : { mtu: route.mtu },
    table,
  });
}

/** Reads one RTM_NEWROUTE message; undefined for other families and for cached copies. */
export function decodeRoute(body: Buffer, names: ReadonlyMap<number, string>): Route | undefined {
  const header = rtmsg.read(body);
  const type = nameOf(ROUTE_TYPES, header.type);
  const v4 = header.family === AF.INET;
  if ((!v4 && header.family !== AF.INET6) || !type || header.flags & RTM_F_CLONED) return undefined;
  const a = routeAttributes.read(attributesAfter(body, rtmsg.size));
  const destination = a.destination ?? ((v4 ? '0.0.0.0' : '::') as IpAddress);
  if (header.destinationLength > (familyOf(destination) === 'ipv4' ? 32 : 128)) return undefined;
  const route = {
    destination: prefixOf(destination, header.destinationLength),
    via: a.gateway,
    link: a.outIndex === undefined ? undefined : names.get(a.outIndex),
    source: a.source,
    protocol: header.protocol,
    scope: nameOf(SCOPES, header.scope),
    onlink: header.flags & RTNH_F_ONLINK ? true : undefined,
    table: a.table ?? header.table,
    priority: a.priority,
    mtu: a.metrics?.mtu,
    type,
  };
  return defined(route) as Route;
}

/** The routes of one table (default main) or of all; the kernel does the filtering. */
export function readRoutes(socket: RouteSocket, filter: RouteFilter = {}): Route[] {
  const { protocol = 0, table = MAIN_TABLE, family } = filter;
  const names = socket.names();
  const families = [...(family === 'ipv6' ? [] : [AF.INET]), ...(family === 'ipv4' ? [] : [AF.INET6])];
  return families.flatMap((af) => {
    const body = encodeBody(rtmsg, { family: af, protocol }, routeAttributes, table === 0 ? {} : { table });
    return dumpTable(socket, body).flatMap((answer) => decodeRoute(answer, names) ?? []);
  });
}

function dumpTable(socket: RouteSocket, body: Buffer): Buffer[] {
  try {
    return socket.netlink.dump({ type: RTM.GETROUTE, flags: 0, body, op: 'list routes' }).map((a) => a.body);
  } catch (error) {
    // a table that no route was ever written to, or a family this kernel does not have
    if (isErrno(error, 'ENOENT', 'EAFNOSUPPORT', 'EOPNOTSUPP')) return [];
    throw error;
  }
}

export interface RouteChanges {
  /** Each replaces a route of the same destination, table and priority. */
  readonly add: readonly Route[];
  readonly remove: readonly Route[];
}

/** What became of one route. Removing what is not there is a success. */
export interface RouteResult {
  readonly route: Route;
  readonly action: 'add' | 'remove';
  readonly error: KernelError | undefined;
}

/** Routes encoded at a time, so that their messages are garbage while still young. */
const CHUNK = 1024;

/** Where RTA_DST's payload begins in a body: behind rtmsg and the attribute's header. */
const DESTINATION_AT = rtmsg.size + 4;

/** Encodes many routes: of those that differ in their destination alone, the bytes of the one before are copied. */
function routeEncoder(remove: boolean): (route: Route, outIndex: number | undefined) => Buffer {
  let last: Route | undefined;
  let body: Buffer = Buffer.alloc(0);
  return (route, outIndex) => {
    const again = last !== undefined && sameButAddress(route, last);
    last = route;
    if (!again) {
      body = encodeRoute(route, outIndex, remove);
      return body;
    }
    body = Buffer.from(body);
    body.set(ipBytes(prefixParts(route.destination).address), DESTINATION_AT);
    return body;
  };
}

function sameButAddress(a: Route, b: Route): boolean {
  const keys = Object.keys(a) as (keyof Route)[];
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => key === 'destination' || a[key] === b[key]) &&
    suffix(a.destination) === suffix(b.destination) &&
    familyOf(a.destination) === familyOf(b.destination)
  );
}

const suffix = (prefix: Prefix): string => prefix.slice(prefix.indexOf('/'));

/** Names itself only when it fails: there may be hundreds of thousands. */
class RouteMessage implements NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
  readonly #route: Route;

  constructor(route: Route, body: Buffer, action: RouteResult['action']) {
    this.type = action === 'remove' ? RTM.DELROUTE : RTM.NEWROUTE;
    this.flags = action === 'remove' ? 0 : NLM_F.CREATE | NLM_F.REPLACE;
    this.body = body;
    this.#route = route;
  }

  get op(): string {
    const { destination, via, link } = this.#route;
    const verb = this.type === RTM.DELROUTE ? 'remove' : 'add';
    return `${verb} route ${destination}${via ? ` via ${via}` : ''}${link ? ` dev ${link}` : ''}`;
  }
}

/** Writes additions, then removals, in few system calls; one result each in that order. Throws only NET_NO_LINK. */
export function applyRoutes(socket: RouteSocket, { add, remove }: RouteChanges): RouteResult[] {
  const indexes = new Map<string, number>();
  const indexOf = (link: string | undefined): number | undefined => {
    if (link === undefined) return undefined;
    const index = indexes.get(link) ?? socket.indexOf(link);
    indexes.set(link, index);
    return index;
  };
  for (const { link } of [...add, ...remove]) indexOf(link); // before anything is written
  const results: RouteResult[] = [];
  for (const [action, routes] of [
    ['add', add],
    ['remove', remove],
  ] as const) {
    const encode = routeEncoder(action === 'remove');
    for (let at = 0; at < routes.length; at += CHUNK) {
      const chunk = routes.slice(at, at + CHUNK);
      const messages = chunk.map((route) => new RouteMessage(route, encode(route, indexOf(route.link)), action));
      const errors = socket.netlink.batch(messages);
      chunk.forEach((route, i) => {
        const error = errors[i];
        results.push({ route, action, error: action === 'remove' ? unlessGone(error) : error });
      });
    }
  }
  return results;
}

function unlessGone(error: KernelError | undefined): KernelError | undefined {
  return isErrno(error, 'ESRCH') ? undefined : error;
}
