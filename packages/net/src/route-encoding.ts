import { type ByteWriter, encodeBody } from '@podwire/kernel';
import { type ROUTE_TYPES, routeAttributes, rtmsg } from '@podwire/kernel/rtnetlink';
import { encodeEncap } from './encap.ts';
import { encodeHop, type HopPlace, viaAttribute } from './next-hop.ts';
import { type RoutePlace, writePlain } from './plain-route-encoding.ts';
import { isPlain, linkOf, MAIN_TABLE, normalizeRoute, type Route, routeText } from './route.ts';
import { encodeMetrics } from './route-metrics.ts';
import { encodeFor, misfit, prefixFor } from './rtnetlink.ts';

/** Body of RTM_NEWROUTE and RTM_DELROUTE; a removal matches every scope and, where none is said, every type. */
export function encodeRoute(route: Route, indexOf: HopPlace['indexOf'], remove: boolean): Buffer {
  const object = routeText(route);
  const { address, length, family } = prefixFor(object, route.destination);
  const { protocol = 0, from, nextHops } = route;
  const link = linkOf(route);
  const type: keyof typeof ROUTE_TYPES = route.type ?? (remove ? 'unspec' : 'unicast');
  const table = route.table || MAIN_TABLE;
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
      outIndex: link === undefined ? undefined : indexOf(link),
      ...viaAttribute(route.via, family),
      priority: route.priority || undefined,
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

/**
 * Appends the body of RTM_NEWROUTE or RTM_DELROUTE. Routes with one next hop, of which there may be hundreds of
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
