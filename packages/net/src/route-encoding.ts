import { ipv4Number } from '@podwire/base';
import { type ByteWriter, encodeBody } from '@podwire/kernel';
import { ADDRESS_FAMILIES, ROUTE_FLAGS, ROUTE_TYPES, routeAttributes, rtmsg, SCOPES } from '@podwire/kernel/rtnetlink';
import { encodeEncap } from './encap.ts';
import { encodeHop, type HopPlace, viaAttribute } from './next-hop.ts';
import { DEFAULT_PROTOCOL, isPlain, MAIN_TABLE, normalizeRoute, type Route, routeText, scopeOf } from './route.ts';
import { encodeMetrics } from './route-metrics.ts';
import { encodeFor, misfit, prefixFor } from './rtnetlink.ts';

/** Body of RTM_NEWROUTE and RTM_DELROUTE; a removal matches every scope and, where none is said, every type. */
export function encodeRoute(route: Route, indexOf: HopPlace['indexOf'], remove: boolean): Buffer {
  const object = routeText(route);
  const { address, length, family } = prefixFor(object, route.destination);
  const { protocol = 0, from, nextHops } = route;
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
      outIndex: route.link === undefined ? undefined : indexOf(route.link),
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

/** False, and nothing is written: a value is not what it should be, or of the other family. */
function writePlain(out: ByteWriter, route: Route, { indexOf, remove }: RoutePlace): boolean {
  const { destination, via, source, link, priority } = route;
  const table = route.table || MAIN_TABLE;
  const slash = destination.indexOf('/');
  const length = lengthOf(destination, slash + 1);
  const address = ipv4Number(destination.slice(0, slash));
  const gateway = via === undefined ? -1 : ipv4Number(via);
  const preferred = source === undefined ? -1 : ipv4Number(source);
  const protocol = route.protocol ?? (remove ? 0 : DEFAULT_PROTOCOL);
  const scope: number | undefined = SCOPES[remove ? 'nowhere' : scopeOf(route)];
  const kind: number | undefined = ROUTE_TYPES[route.type ?? (remove ? 'unspec' : 'unicast')];
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
  if (priority) writeWord(out, RTA_PRIORITY, priority);
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
