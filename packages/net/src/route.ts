import { type Family, familyOf, type IpAddress, type Prefix, prefixOf, prefixParts } from '@podwire/base';
import { attributes, attributesAfter, codec, encodeBody, isErrno, type KernelError, NLM_F } from '@podwire/kernel';
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

/** The route with the defaults the kernel would fill in, so that equal routes are equal data. */
export function normalizeRoute(route: Route): Route {
  const { destination, via, protocol = DEFAULT_PROTOCOL, table = MAIN_TABLE, type = 'unicast' } = route;
  const scope = route.scope ?? defaultScope(type, via !== undefined || familyOf(destination) === 'ipv6');
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
  const { destination, via, source, protocol = 0, scope = 'global', table = MAIN_TABLE, type = 'unicast' } = route;
  const { address, length, family } = prefixParts(destination);
  const header = {
    family: family === 'ipv4' ? AF.INET : AF.INET6,
    destinationLength: length,
    table: table < 256 ? table : 0,
    protocol,
    scope: remove ? SCOPES.nowhere : SCOPES[scope],
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

/** Writes additions, then removals, in few system calls; one result each in that order. Throws only NET_NO_LINK. */
export function applyRoutes(socket: RouteSocket, { add, remove }: RouteChanges): RouteResult[] {
  const indexes = new Map<string, number>();
  const indexOf = (link: string | undefined): number | undefined => {
    if (link === undefined) return undefined;
    const index = indexes.get(link) ?? socket.indexOf(link);
    indexes.set(link, index);
    return index;
  };
  const text = (r: Route) => `route ${r.destination}${r.via ? ` via ${r.via}` : ''}${r.link ? ` dev ${r.link}` : ''}`;
  const additions = add.map((route) => {
    const body = encodeRoute(normalizeRoute(route), indexOf(route.link), false);
    return { type: RTM.NEWROUTE, flags: NLM_F.CREATE | NLM_F.REPLACE, body, op: `add ${text(route)}` };
  });
  const removals = remove.map((route) => {
    const body = encodeRoute(route, indexOf(route.link), true);
    return { type: RTM.DELROUTE, flags: 0, body, op: `remove ${text(route)}` };
  });
  const errors = socket.netlink.batch([...additions, ...removals]);
  return [
    ...add.map((route, i) => ({ route, action: 'add' as const, error: errors[i] })),
    ...remove.map((route, i) => ({ route, action: 'remove' as const, error: unlessGone(errors[add.length + i]) })),
  ];
}

function unlessGone(error: KernelError | undefined): KernelError | undefined {
  return isErrno(error, 'ESRCH') ? undefined : error;
}
