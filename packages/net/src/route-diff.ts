import { canonical, type Difference, diff } from './diff.ts';
import type { Encap } from './encap.ts';
import type { NextHop } from './next-hop.ts';
import type { NextHopObject } from './nexthop-object.ts';
import { DEFAULT_PROTOCOL, isPlain, linkOf, normalizeRoute, type Route, routeKey, scopeOf } from './route.ts';

/**
 * Routes are told apart by destination, table and priority (and type of service or source prefix); everything else is
 * compared after normalizeRoute. Where a desired next hop names no link, the one the kernel found is right.
 */
export function diffRoutes(desired: readonly Route[], observed: readonly Route[]): Difference<Route> {
  return diff(desired, observed, { key: routeKey, same: sameRoute });
}

function sameRoute(desired: Route, observed: Route): boolean {
  if (isPlain(desired) && isPlain(observed)) return samePlain(desired, observed);
  const [a, b] = [normalizeRoute(desired), normalizeRoute(observed)];
  const byObject = a.nextHopId !== undefined && a.nextHopId === b.nextHopId;
  // of a route by next hop object the kernel tells what the object says
  if (!byObject && !samePlain(a, b)) return false;
  if (a.protocol !== b.protocol || a.source !== b.source || a.mtu !== b.mtu || a.nextHopId !== b.nextHopId)
    return false;
  if (a.preference !== b.preference || (a.expires === undefined) !== (b.expires === undefined)) return false;
  const rest = (route: Route) => canonical([route.metrics, encapText(route.encap)]);
  return rest(a) === rest(b) && sameHops(a.nextHops, b.nextHops);
}

/** Whether what every route has is the same; without normalizeRoute, since there may be hundreds of thousands. */
function samePlain(a: Route, b: Route): boolean {
  const { type = 'unicast', protocol = DEFAULT_PROTOCOL } = a;
  if (a.via !== b.via || a.source !== b.source || protocol !== (b.protocol ?? DEFAULT_PROTOCOL)) return false;
  if (type !== (b.type ?? 'unicast') || scopeOf(a) !== scopeOf(b) || !a.onlink !== !b.onlink) return false;
  const link = linkOf(a);
  return link === undefined || link === b.link;
}

/** In any order: IPv6 keeps the order in which next hops came. */
function sameHops(desired: readonly NextHop[] | undefined, observed: readonly NextHop[] | undefined): boolean {
  if (!desired || !observed) return desired === observed;
  const left = [...observed];
  const found = desired.every((hop) => {
    const place = left.findIndex((seen) => hopText(hop, seen.link) === hopText(seen, seen.link));
    if (place >= 0) left.splice(place, 1);
    return place >= 0;
  });
  return found && left.length === 0;
}

function hopText({ via, link, weight = 1, onlink = false, encap }: NextHop, otherwise: string | undefined): string {
  return canonical([via, link ?? otherwise, weight, onlink, encapText(encap)]);
}

const NOTHING = ['0', '"0n"', '[]', '"0.0.0.0"', '"::"'];

/** The kernel tells of parameters that were not given, too. */
function encapText(encap: Encap | undefined): string | undefined {
  const told = Object.entries(encap ?? {}).filter(([, value]) => !NOTHING.includes(canonical(value)));
  return encap && canonical(Object.fromEntries(told));
}

/** Told apart by number. Of a resilient group only what is given counts: the rest is the kernel's choice. */
export function diffNextHops(
  desired: readonly NextHopObject[],
  observed: readonly NextHopObject[],
): Difference<NextHopObject> {
  return diff(desired, observed, {
    key: ({ id }) => String(id),
    same: (a, b) => nextHopText(a, b) === nextHopText(b, b),
    // the kernel does not make a group of a single one, nor the reverse
    inPlace: (a, b) => groupKind(a) === groupKind(b),
  });
}

const groupKind = ({ group, resilient }: NextHopObject): string =>
  group === undefined ? 'single' : resilient === undefined ? 'group' : 'resilient group';

function nextHopText({ group, ...hop }: NextHopObject, seen: NextHopObject): string {
  return canonical({
    ...hop,
    link: hop.link ?? seen.link,
    family: hop.family === 'ipv6' && hop.via === undefined ? hop.family : undefined,
    encap: encapText(hop.encap),
    resilient: hop.resilient && { ...seen.resilient, ...hop.resilient },
    blackhole: hop.blackhole || undefined,
    onlink: hop.onlink || undefined,
    fdb: hop.fdb || undefined,
    protocol: hop.protocol || undefined,
    group: group?.map(({ id, weight = 1 }) => [id, weight]).sort(([a = 0], [b = 0]) => a - b),
  });
}
