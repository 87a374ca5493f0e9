import { type Family, familyOf, hasCode, type IpAddress, type Prefix } from '@podwire/base';
import { ByteWriter, encodeBody, isErrno, NLM_F } from '@podwire/kernel';
import { type ROUTE_TYPES, RTM, routeAttributes, rtmsg, type Scope } from '@podwire/kernel/rtnetlink';
import type { Encap } from './encap.ts';
import type { NextHop } from './next-hop.ts';
import { type ItemResult, remembering } from './noun.ts';
import { readRoute } from './route-decoding.ts';
import { writeRoute } from './route-encoding.ts';
import { normalizeMetrics, type RouteMetrics } from './route-metrics.ts';
import { defined, dumpBodies, misfit, type RouteSocket } from './rtnetlink.ts';

export type RouteType = Exclude<keyof typeof ROUTE_TYPES, 'unspec' | 'nat' | 'xresolve'>;

/** RT_TABLE_MAIN. */
export const MAIN_TABLE = 254;
/** RTPROT_BOOT, what iproute2 writes unless told otherwise. */
export const DEFAULT_PROTOCOL = 3;
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
  /** Lower ones are taken first (`metric` of ip-route(8)); 0, the default, is 1024 for IPv6. */
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
  const { nextHops, onlink, preference, link: _, ...rest } = route;
  const [only, ...others] = nextHops ?? [];
  const single = only && others.length === 0 ? withoutWeight(only) : undefined;
  const { protocol = DEFAULT_PROTOCOL, type = 'unicast' } = route;
  return defined({
    ...rest,
    ...normalizeMetrics(route),
    link: linkOf(route),
    ...single,
    onlink: onlink || single?.onlink || undefined,
    nextHops: single ? undefined : nextHops,
    preference: preference === 'medium' ? undefined : preference,
    priority: priorityOf(route),
    protocol,
    scope: scopeOf(route),
    table: route.table || MAIN_TABLE,
    type,
  }) as Route;
}

/** Routes that answer instead of forwarding; the kernel says `lo`, or nothing, whatever link IPv6 ones were given. */
export function answers(type: string): boolean {
  return type === 'blackhole' || type === 'unreachable' || type === 'prohibit' || type === 'throw';
}

/** The link, but of IPv6 routes that answer. */
export function linkOf({ destination, link, type = 'unicast' }: Route): string | undefined {
  return answers(type) && destination.includes(':') ? undefined : link;
}

export function priorityOf({ destination, priority }: Route): number | undefined {
  return priority || (destination.includes(':') ? IPV6_PRIORITY : undefined);
}

/** Has nothing beyond destination, next hop, link, source, protocol, table, scope, onlink, type and priority. */
export function isPlain(r: Route): boolean {
  const more = r.nextHops ?? r.metrics ?? r.encap ?? r.from ?? r.nextHopId ?? r.preference ?? r.expires ?? r.mtu;
  return more === undefined && r.tos === undefined;
}

function withoutWeight({ weight: _, ...hop }: NextHop): Omit<NextHop, 'weight'> {
  return hop;
}

export function scopeOf({ destination, scope, type = 'unicast', via, nextHops, nextHopId }: Route): Scope {
  if (familyOf(destination) === 'ipv6') return 'global';
  if (scope !== undefined) return scope;
  if (type === 'local') return 'host';
  if (type === 'broadcast' || type === 'multicast' || type === 'anycast') return 'link';
  const hops = via !== undefined || nextHopId !== undefined || nextHops?.some((hop) => hop.via !== undefined);
  return hops || type !== 'unicast' ? 'global' : 'link';
}

/** Tells routes apart that can stand beside each other in the kernel. */
export function routeKey(route: Route): string {
  const { destination, from, tos, table } = route;
  return `${destination} ${from ?? ''} ${tos ?? 0} ${table || MAIN_TABLE} ${priorityOf(route) ?? 0}`;
}

export const routeText = (r: Route): string =>
  `route ${r.destination}${r.via ? ` via ${r.via}` : ''}${r.link ? ` dev ${r.link}` : ''}${r.table ? ` table ${r.table}` : ''}`;

/** The routes of one table (default main) or of all; the kernel does the filtering. */
export function readRoutes(socket: RouteSocket, filter: RouteFilter = {}): Route[] {
  const { protocol = 0, table = MAIN_TABLE, family } = filter;
  const names = socket.names();
  const families: Family[] = family === undefined ? ['ipv4', 'ipv6'] : [family];
  return families.flatMap((one) => {
    const body = encodeBody(rtmsg, { family: one, protocol }, routeAttributes, table === 0 ? {} : { table });
    // ENOENT: a table that no route was ever written to
    const bodies = dumpBodies(socket, { type: RTM.GETROUTE, flags: 0, body, op: 'list routes' }, 'ENOENT');
    return bodies.flatMap((answer) => readRoute(answer, names) ?? []);
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
 * Writes additions, then removals, in few system calls; one result each in that order. Throws NET_NO_LINK (additions;
 * a removal on a link that is gone is done) and NET_BAD_VALUE, before anything is written.
 */
export function applyRoutes(socket: RouteSocket, { add, remove }: RouteChanges): RouteResult[] {
  const { indexOf } = remembering(socket);
  const removable = remove.filter((route) => isOnLinks(route, indexOf));
  // a wrong removal is found before anything is added
  if (add.length > 0) for (const route of removable) writeRoute(new ByteWriter(), route, { indexOf, remove: true });
  const write = (type: number, flags: number, routes: readonly Route[]) =>
    socket.netlink.batchEncoded({
      type,
      flags,
      count: routes.length,
      write: (out, i) => writeRoute(out, routes[i] as Route, { indexOf, remove: type === RTM.DELROUTE }),
      op: (i) => `${type === RTM.NEWROUTE ? 'add' : 'remove'} ${routeText(routes[i] as Route)}`,
    });
  const added = write(RTM.NEWROUTE, NLM_F.CREATE | NLM_F.REPLACE, add);
  const errors = write(RTM.DELROUTE, 0, removable).map((error) => (isErrno(error, 'ESRCH') ? undefined : error));
  const removed = new Map(removable.map((route, i) => [route, errors[i]]));
  return [
    ...add.map((route, i): RouteResult => ({ route, action: 'add', error: added[i] })),
    ...remove.map((route): RouteResult => ({ route, action: 'remove', error: removed.get(route) })),
  ];
}

/** False: a link of the route is gone, and the route with it. */
function isOnLinks(route: Route, indexOf: RouteSocket['indexOf']): boolean {
  try {
    if (route.link !== undefined) indexOf(route.link);
    for (const { link } of route.nextHops ?? []) if (link !== undefined) indexOf(link);
    return true;
  } catch (error) {
    if (hasCode(error, 'NET_NO_LINK')) return false;
    throw misfit(routeText(route), error);
  }
}
