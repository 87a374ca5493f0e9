import { familyOf } from '@podwire/base';
import { type Address, subnetOf, touchedSubnets } from './address.ts';
import { type Difference, diffAddresses, diffFdb, diffNeighbours, diffRules } from './diff.ts';
import type { FdbEntry } from './fdb.ts';
import type { Link } from './link.ts';
import { diffLinks, type LinkDifference } from './link-diff.ts';
import type { Neighbour } from './neighbour.ts';
import type { DesiredNet, NetOwnership, ObservedNet } from './net-state.ts';
import type { NextHopObject } from './nexthop-object.ts';
import type { Route } from './route.ts';
import { diffNextHops, diffRoutes } from './route-diff.ts';
import { badValue } from './rtnetlink.ts';
import type { Rule } from './rule.ts';
import { diffSysctls, type SysctlChange } from './sysctl.ts';

/** The changes that lead from what is observed to what is desired, noun by noun. */
export interface NetPlan {
  readonly links: LinkDifference;
  readonly addresses: Difference<Address>;
  readonly nextHops: Difference<NextHopObject>;
  readonly routes: Difference<Route>;
  readonly rules: Difference<Rule>;
  readonly neighbours: Difference<Neighbour>;
  readonly fdb: Difference<FdbEntry>;
  readonly sysctls: readonly SysctlChange[];
}

/**
 * Compares. Desired objects without a protocol get the owner's. What goes with a link, an address or a next hop that
 * is removed counts as gone, and comes again if it is desired. Throws NET_BAD_VALUE for a link without the prefix.
 */
export function planNet(desired: DesiredNet, observed: ObservedNet, owner: NetOwnership): NetPlan {
  const { protocol, prefix } = owner;
  for (const { name } of desired.links ?? [])
    if (!name.startsWith(prefix)) throw badValue(`link ${name}`, `the names of one's own links begin with "${prefix}"`);
  const mark = <T extends { readonly protocol?: number }>(items: readonly T[]): T[] =>
    items.map((item) => ({ protocol, ...item }));
  const links = desired.links
    ? diffLinks(desired.links, observed.links, owner)
    : { remove: [], create: [], change: [] };
  const left = withoutGone(observed, links);
  const addresses = between(desired.addresses && mark(desired.addresses), left.addresses, diffAddresses);
  const nextHops = between(desired.nextHops && mark(desired.nextHops), left.nextHops, diffNextHops);
  const bare = bareLinks(addresses, desired.addresses ?? []);
  const lost = { addresses: new Set([...addresses.remove, ...addresses.add].map((a) => a.address)), bare };
  const usable = left.routes.filter((route) => !goesWith(route, lost) && !isVia(route, nextHops.remove));
  const kept = left.neighbours.filter((n) => !bare.has(n.link) || familyOf(n.address) === 'ipv6');
  return {
    links,
    addresses,
    nextHops,
    routes: between(desired.routes && mark(desired.routes), usable, diffRoutes),
    rules: between(desired.rules && mark(desired.rules), left.rules, diffRules),
    neighbours: between(desired.neighbours && mark(desired.neighbours), kept, diffNeighbours),
    fdb: withoutDefaults(between(desired.fdb, left.fdb, diffFdb), observed.links),
    sysctls: diffSysctls(desired.sysctls ?? {}, left.sysctls),
  };
}

/** The kernel makes an entry of a VXLAN link's own group (or only peer), which goes with the link. */
function withoutDefaults({ add, remove }: Difference<FdbEntry>, links: readonly Link[]): Difference<FdbEntry> {
  const groups = new Map(links.map(({ name, vxlan }) => [name, vxlan?.group]));
  const isDefault = ({ link, mac, destination }: FdbEntry) =>
    mac === '00:00:00:00:00:00' && destination !== undefined && destination === groups.get(link);
  return { add, remove: remove.filter((entry) => !isDefault(entry)) };
}

function between<T>(
  desired: readonly T[] | undefined,
  observed: readonly T[],
  diff: (desired: readonly T[], observed: readonly T[]) => Difference<T>,
): Difference<T> {
  return desired ? diff(desired, observed) : { add: [], remove: [] };
}

/** What is left once links are removed, or have another MAC address, which makes the kernel forget neighbours. */
function withoutGone(observed: ObservedNet, { remove, change }: LinkDifference): ObservedNet {
  const gone = new Set(remove);
  const forgetful = new Set(change.filter(({ settings }) => settings.mac !== undefined).map(({ name }) => name));
  const stays = ({ link }: { readonly link?: string }) => link === undefined || !gone.has(link);
  const nextHops = observed.nextHops.filter(stays);
  const numbers = new Set(nextHops.map(({ id }) => id));
  const usable = (route: Route) => route.nextHopId === undefined || numbers.has(route.nextHopId);
  return {
    ...observed,
    addresses: observed.addresses.filter(stays),
    nextHops,
    routes: observed.routes.filter((r) => stays(r) && usable(r) && (r.nextHops ?? []).every(stays)),
    neighbours: observed.neighbours.filter((n) => stays(n) && !forgetful.has(n.link)),
    fdb: observed.fdb.filter(stays),
    // net/ipv4/conf/LINK/... begin with the defaults again
    sysctls: Object.fromEntries(
      Object.entries(observed.sysctls).filter(([path]) => !path.split('/').some((part) => gone.has(part))),
    ),
  };
}

interface Lost {
  readonly addresses: ReadonlySet<string>;
  /** Links that have no IPv4 address for a moment: the kernel forgets IPv4 routes and neighbours on them. */
  readonly bare: ReadonlySet<string>;
}

/** A route goes with the address it prefers as source, and with the last address of its link. */
function goesWith({ destination, source, link, nextHops = [] }: Route, { addresses, bare }: Lost): boolean {
  if (source !== undefined && addresses.has(source)) return true;
  const links = [link, ...nextHops.map((hop) => hop.link)];
  return familyOf(destination) === 'ipv4' && links.some((one) => one !== undefined && bare.has(one));
}

function isVia(route: Route, nextHops: readonly NextHopObject[]): boolean {
  return route.nextHopId !== undefined && nextHops.some(({ id }) => id === route.nextHopId);
}

/** Links that lose all IPv4 addresses for a moment, though some are desired. */
function bareLinks(difference: Difference<Address>, desired: readonly Address[]): Set<string> {
  const touched = touchedSubnets(difference.remove);
  const safe = desired.filter((a) => familyOf(a.address) === 'ipv4' && !touched.has(subnetOf(a)));
  const dressed = new Set(safe.map(({ link }) => link));
  return new Set(difference.remove.filter((a) => touched.has(subnetOf(a)) && !dressed.has(a.link)).map((a) => a.link));
}

/** Whether there is nothing to do. */
export function isEmptyPlan({ links, sysctls, ...nouns }: NetPlan): boolean {
  const differences: Difference<unknown>[] = Object.values(nouns);
  const none = links.remove.length + links.create.length + links.change.length + sysctls.length === 0;
  return none && differences.every(({ add, remove }) => add.length + remove.length === 0);
}
