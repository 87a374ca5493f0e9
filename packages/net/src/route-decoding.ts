import { type Family, familyOf, type IpAddress, type Prefix, prefixOf } from '@podwire/base';
import { attributesAfter } from '@podwire/kernel';
import { routeAttributes, rtmsg } from '@podwire/kernel/rtnetlink';
import { decodeEncap } from './encap.ts';
import { decodeHop } from './next-hop.ts';
import { readPlain } from './plain-route-decoding.ts';
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
