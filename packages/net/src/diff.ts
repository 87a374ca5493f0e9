import type { Address } from './address.ts';
import type { Encap } from './encap.ts';
import { type FdbEntry, isFlood } from './fdb.ts';
import type { Neighbour } from './neighbour.ts';
import type { NextHop } from './next-hop.ts';
import type { NextHopObject } from './nexthop-object.ts';
import { normalizeRoute, type Route, routeKey } from './route.ts';
import { normalizeRule, type Rule } from './rule.ts';

/** What to write to come from observed to desired. Nothing of `add` needs its predecessor removed first. */
export interface Difference<T> {
  readonly add: readonly T[];
  readonly remove: readonly T[];
}

interface Identity<T> {
  /** Items of one key replace each other in the kernel. */
  readonly key: (item: T) => string;
  /** Whether the observed item is what the desired one asks for. */
  readonly same: (desired: T, observed: T) => boolean;
}

function diff<T>(desired: readonly T[], observed: readonly T[], { key, same }: Identity<T>): Difference<T> {
  const present = new Map<string, T>();
  for (const item of observed) present.set(key(item), item);
  const wanted = new Set<string>();
  const add = desired.filter((item) => {
    const id = key(item);
    wanted.add(id);
    const seen = present.get(id);
    return seen === undefined || !same(item, seen);
  });
  return { add, remove: observed.filter((item) => !wanted.has(key(item))) };
}

/** Text that is equal for equal values: keys in order, bytes as text, nothing for undefined. */
function canonical(value: unknown): string {
  if (typeof value === 'bigint') return `"${value}n"`;
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('hex')}"`;
  if (Array.isArray(value)) {
    // words of flags come in any order
    const words = value.length > 0 && value.every((item) => typeof item === 'string');
    return `[${(words ? [...value].sort() : value).map(canonical).join()}]`;
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? '';
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, part]) => `"${key}":${canonical(part)}`)
    .join()}}`;
}

/**
 * Routes are told apart by destination, table and priority (and type of service or source prefix); everything else is
 * compared after normalizeRoute. Where a desired next hop names no link, the one the kernel found is right.
 */
export function diffRoutes(desired: readonly Route[], observed: readonly Route[]): Difference<Route> {
  return diff(desired, observed, { key: routeKey, same: sameRoute });
}

function sameRoute(desired: Route, observed: Route): boolean {
  const [a, b] = [normalizeRoute(desired), normalizeRoute(observed)];
  const plain = a.via === b.via && a.protocol === b.protocol && a.scope === b.scope && a.type === b.type;
  if (!plain && !(a.nextHopId !== undefined && a.protocol === b.protocol)) return false;
  if (a.link !== undefined && a.link !== b.link) return false;
  if (a.source !== b.source || a.onlink !== b.onlink || a.mtu !== b.mtu || a.nextHopId !== b.nextHopId) return false;
  if (a.preference !== b.preference || (a.expires === undefined) !== (b.expires === undefined)) return false;
  const rest = (route: Route) => canonical([route.metrics, encapText(route.encap)]);
  return rest(a) === rest(b) && sameHops(a.nextHops, b.nextHops);
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

/** An entry that is absent from `desired` is removed, whoever made it: pass only observed entries that are yours. */
export function diffNeighbours(desired: readonly Neighbour[], observed: readonly Neighbour[]): Difference<Neighbour> {
  const value = (n: Neighbour) =>
    canonical(
      n.proxy
        ? [n.protocol]
        : [n.mac?.toLowerCase(), n.state ?? 'permanent', n.router ?? false, n.externLearn ?? false, n.protocol],
    );
  return diff(desired, observed, {
    key: (n) => `${n.link} ${n.address} ${n.proxy ?? false}`,
    same: (a, b) => value(a) === value(b),
  });
}

/** A MAC address has one destination, but the all-zero one and groups of a VXLAN link, which may have many. */
export function diffFdb(desired: readonly FdbEntry[], observed: readonly FdbEntry[]): Difference<FdbEntry> {
  const several = (f: FdbEntry) => (isFlood(f.mac) ? [f.destination, f.port, f.vni, f.via] : '');
  const value = (f: FdbEntry) =>
    canonical([
      f.destination,
      f.static ?? f.permanent ?? true,
      f.static,
      f.port,
      f.vni,
      f.via,
      f.nextHopId,
      f.sticky,
      f.externLearn,
    ]);
  return diff(desired, observed, {
    key: (f) => canonical([f.link, f.mac.toLowerCase(), f.master ?? false, f.vlan, f.sourceVni, several(f)]),
    same: (a, b) => value(a) === value(b),
  });
}

/** Told apart by link, address and length. Lifetimes run down, so only whether there are any counts. */
export function diffAddresses(desired: readonly Address[], observed: readonly Address[]): Difference<Address> {
  const optional = ['broadcast', 'label', 'routePriority'] as const;
  const value = (a: Address) =>
    canonical([a.scope ?? 'global', a.protocol ?? 0, a.peer, a.noPrefixRoute ?? false, a.validLifetime === undefined]);
  return diff(desired, observed, {
    key: (a) => `${a.link} ${a.address} ${a.prefixLength}`,
    same: (a, b) => value(a) === value(b) && optional.every((key) => a[key] === undefined || a[key] === b[key]),
  });
}

/** Rules have no identity beside what they say, so one that differs in anything is another one. */
export function diffRules(desired: readonly Rule[], observed: readonly Rule[]): Difference<Rule> {
  return diff(desired, observed, { key: (rule) => canonical(normalizeRule(rule)), same: () => true });
}

/** Told apart by number. */
export function diffNextHops(
  desired: readonly NextHopObject[],
  observed: readonly NextHopObject[],
): Difference<NextHopObject> {
  const value = ({ group, ...hop }: NextHopObject, link: string | undefined) =>
    canonical({
      ...hop,
      link: hop.link ?? link,
      family: hop.family === 'ipv6' ? hop.family : undefined,
      encap: encapText(hop.encap),
      blackhole: hop.blackhole || undefined,
      group: group?.map(({ id, weight = 1 }) => [id, weight]).sort(([a = 0], [b = 0]) => a - b),
    });
  return diff(desired, observed, {
    key: ({ id }) => String(id),
    same: (a, b) => value(a, b.link) === value(b, b.link),
  });
}
