import { type Family, familyOf, type IpAddress, type Prefix, prefixOf } from '@podwire/base';
import { attributesAfter, encodeBody, NLM_F } from '@podwire/kernel';
import { type ROUTE_TYPES, RTM, routeAttributes, rtmsg, type Scope } from '@podwire/kernel/rtnetlink';
import { decodeEncap, type Encap, encodeEncap } from './encap.ts';
import { decodeHop, encodeHop, type HopPlace, type NextHop, viaAttribute } from './next-hop.ts';
import { decodeMetrics, encodeMetrics, type RouteMetrics } from './route-metrics.ts';
import {
  applyBatch,
  defined,
  dumpBodies,
  encodeFor,
  type ItemResult,
  prefixFor,
  type RouteSocket,
  wordOf,
} from './rtnetlink.ts';

export type RouteType = Exclude<keyof typeof ROUTE_TYPES, 'unspec' | 'nat' | 'xresolve'>;

/** RT_TABLE_MAIN. */
export const MAIN_TABLE = 254;
/** RTPROT_BOOT, what iproute2 writes unless told otherwise. */
const DEFAULT_PROTOCOL = 3;
/** What the kernel gives IPv6 routes for which none is asked (IP6_RT_PRIO_USER). */
const IPV6_PRIORITY = 1024;

/** A route; what is absent has the default of ip-route(8). Observed routes have protocol, scope, table and type. */
export interface Route {
  readonly destination: Prefix;
  /** Next hop, of either family; absent: the destination is on the link. */
  readonly via?: IpAddress;
  readonly link?: string;
  /** Preferred source address. */
  readonly source?: IpAddress;
  /** Who made it (RTPROT_*); podwire's marks are numbers of its own. Default 3, boot. */
  readonly protocol?: number;
  /** Default: host for local routes, link for those without a next hop, else global. IPv6: always global. */
  readonly scope?: Scope;
  /** The next hop is reachable on the link although no prefix says so. */
  readonly onlink?: boolean;
  /** Default 254, main. */
  readonly table?: number;
  /** Lower ones are taken first (`metric` of ip-route(8)); IPv6 default 1024. */
  readonly priority?: number;
  readonly mtu?: number;
  /** All other metrics. */
  readonly metrics?: RouteMetrics;
  /** Default unicast. */
  readonly type?: RouteType;
  /** Several next hops that share the traffic by weight, instead of `via` and `link`. */
  readonly nextHops?: readonly NextHop[];
  /** A next hop object, instead of `via`, `link` and `nextHops`. */
  readonly nextHopId?: number;
  readonly encap?: Encap;
  /** IPv4: the type of service it is for. */
  readonly tos?: number;
  /** IPv6: the source prefix it is for. */
  readonly from?: Prefix;
  /** IPv6: RFC 4191; default medium. */
  readonly preference?: 'low' | 'medium' | 'high';
  /** IPv6: seconds until it goes. */
  readonly expires?: number;
  /** Told only: the next hop's link is down, or the route takes no packets. */
  readonly dead?: boolean;
  readonly linkDown?: boolean;
}

export interface RouteFilter {
  readonly protocol?: number;
  /** Default 254, main; 0 means all. */
  readonly table?: number;
  readonly family?: Family;
}

/** The route with the defaults the kernel would fill in, so that equal routes are equal data. */
export function normalizeRoute(route: Route): Route {
  const { nextHops, onlink, preference, ...rest } = route;
  const [only, ...others] = nextHops ?? [];
  const single = only && others.length === 0 ? withoutWeight(only) : undefined;
  const { protocol = DEFAULT_PROTOCOL, table = MAIN_TABLE, type = 'unicast' } = route;
  return defined({
    ...rest,
    ...single,
    onlink: onlink || single?.onlink || undefined,
    nextHops: single ? undefined : nextHops,
    preference: preference === 'medium' ? undefined : preference,
    protocol,
    scope: scopeOf(route),
    table,
    type,
  }) as Route;
}

function withoutWeight({ weight: _, ...hop }: NextHop): Omit<NextHop, 'weight'> {
  return hop;
}

function scopeOf({ destination, scope, type = 'unicast', via, nextHops, nextHopId }: Route): Scope {
  if (familyOf(destination) === 'ipv6') return 'global';
  if (scope !== undefined) return scope;
  if (type === 'local') return 'host';
  if (type === 'broadcast' || type === 'multicast' || type === 'anycast') return 'link';
  const hops = via !== undefined || nextHopId !== undefined || nextHops?.some((hop) => hop.via !== undefined);
  return hops || type !== 'unicast' ? 'global' : 'link';
}

/** Tells routes apart that can stand beside each other in the kernel. */
export function routeKey({ destination, from, tos, table = MAIN_TABLE, priority }: Route): string {
  const implicit = destination.includes(':') ? IPV6_PRIORITY : 0;
  return `${destination} ${from ?? ''} ${tos ?? 0} ${table} ${priority ?? implicit}`;
}

const textOf = (r: Route): string =>
  `route ${r.destination}${r.via ? ` via ${r.via}` : ''}${r.link ? ` dev ${r.link}` : ''}${r.table ? ` table ${r.table}` : ''}`;

/** Body of RTM_NEWROUTE and RTM_DELROUTE; a removal matches every scope and type. */
function encodeRoute(route: Route, indexOf: HopPlace['indexOf'], remove: boolean): Buffer {
  const object = textOf(route);
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

/** Reads one RTM_NEWROUTE or RTM_DELROUTE message; undefined for other families and for cached copies. */
export function decodeRoute(body: Buffer, names: ReadonlyMap<number, string>): Route | undefined {
  const header = rtmsg.read(body);
  const type = wordOf(header.type);
  const { family, flags, destinationLength } = header;
  if ((family !== 'ipv4' && family !== 'ipv6') || !type || flags.includes('cloned')) return undefined;
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

/** The routes of one table (default main) or of all; the kernel does the filtering. */
export function readRoutes(socket: RouteSocket, filter: RouteFilter = {}): Route[] {
  const { protocol = 0, table = MAIN_TABLE, family } = filter;
  const names = socket.names();
  const families: Family[] = family === undefined ? ['ipv4', 'ipv6'] : [family];
  return families.flatMap((one) => {
    const body = encodeBody(rtmsg, { family: one, protocol }, routeAttributes, table === 0 ? {} : { table });
    // ENOENT: a table that no route was ever written to
    const bodies = dumpBodies(socket, { type: RTM.GETROUTE, flags: 0, body, op: 'list routes' }, 'ENOENT');
    return bodies.flatMap((answer) => decodeRoute(answer, names) ?? []);
  });
}

export interface RouteChanges {
  /** Each replaces a route of the same destination, table and priority. */
  readonly add: readonly Route[];
  readonly remove: readonly Route[];
}

/** What became of one route. Removing what is not there is a success. */
export type RouteResult = ItemResult<'route', Route>;

/**
 * Writes additions, then removals, in few system calls; one result each in that order. Throws NET_NO_LINK and
 * NET_BAD_VALUE, before anything is written.
 */
export function applyRoutes(socket: RouteSocket, changes: RouteChanges): RouteResult[] {
  const indexes = new Map<string, number>();
  const indexOf = (link: string): number => {
    const index = indexes.get(link) ?? socket.indexOf(link);
    indexes.set(link, index);
    return index;
  };
  return applyBatch(socket, changes, {
    key: 'route',
    addition: (route) => ({
      type: RTM.NEWROUTE,
      flags: NLM_F.CREATE | NLM_F.REPLACE,
      body: encodeRoute(normalizeRoute(route), indexOf, false),
      op: `add ${textOf(route)}`,
    }),
    removal: (route) => ({
      type: RTM.DELROUTE,
      flags: 0,
      body: encodeRoute(route, indexOf, true),
      op: `remove ${textOf(route)}`,
    }),
    gone: ['ESRCH'],
  });
}
