import { familyOf, type PodwireError, prefixOf } from '@podwire/base';
import type { Address, AddressResult } from './address.ts';
import { type Difference, diffAddresses, diffFdb, diffNeighbours, diffRules } from './diff.ts';
import type { FdbEntry, FdbResult } from './fdb.ts';
import { diffLinks, type LinkDifference, type LinkResult } from './link-diff.ts';
import type { Neighbour, NeighbourResult } from './neighbour.ts';
import type { Net } from './net.ts';
import type { DesiredNet, NetOwnership, ObservedNet } from './net-state.ts';
import type { NextHopObject, NextHopResult } from './nexthop-object.ts';
import type { Route, RouteResult } from './route.ts';
import { diffNextHops, diffRoutes } from './route-diff.ts';
import { badValue } from './rtnetlink.ts';
import type { Rule } from './rule.ts';
import type { RuleResult } from './rule-batch.ts';
import { diffSysctls, type SysctlChange, type SysctlResult } from './sysctl.ts';

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
  const again = secondaries(addresses, desired.addresses ? mark(desired.addresses) : []);
  const bare = bareLinks(addresses, desired.addresses ?? []);
  const lost = { addresses: new Set([...addresses.remove, ...again].map((a) => a.address)), bare };
  const usable = left.routes.filter((route) => !goesWith(route, lost) && !isVia(route, nextHops.remove));
  const kept = left.neighbours.filter((n) => !bare.has(n.link) || familyOf(n.address) === 'ipv6');
  return {
    links,
    addresses: { add: [...addresses.add, ...again], remove: addresses.remove },
    nextHops,
    routes: between(desired.routes && mark(desired.routes), usable, diffRoutes),
    rules: between(desired.rules && mark(desired.rules), left.rules, diffRules),
    neighbours: between(desired.neighbours && mark(desired.neighbours), kept, diffNeighbours),
    fdb: between(desired.fdb, left.fdb, diffFdb),
    sysctls: diffSysctls(desired.sysctls ?? {}, left.sysctls),
  };
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

const subnetOf = (a: Address): string => `${a.link} ${prefixOf(a.peer ?? a.address, a.prefixLength)}`;

/** IPv4 prefixes on links that lose an address; further addresses of a prefix may go along with the first one. */
function touchedSubnets({ remove }: Difference<Address>): Set<string> {
  return new Set(remove.filter((a) => familyOf(a.address) === 'ipv4').map(subnetOf));
}

function bareLinks(difference: Difference<Address>, desired: readonly Address[]): Set<string> {
  const touched = touchedSubnets(difference);
  const safe = desired.filter((a) => familyOf(a.address) === 'ipv4' && !touched.has(subnetOf(a)));
  const dressed = new Set(safe.map(({ link }) => link));
  return new Set(difference.remove.filter((a) => touched.has(subnetOf(a)) && !dressed.has(a.link)).map((a) => a.link));
}

function secondaries(difference: Difference<Address>, desired: readonly Address[]): Address[] {
  const touched = touchedSubnets(difference);
  return desired.filter((a) => touched.has(subnetOf(a)) && !difference.add.some((one) => sameAddress(one, a)));
}

function sameAddress(a: Address, b: Address): boolean {
  return a.link === b.link && a.address === b.address && a.prefixLength === b.prefixLength;
}

/** Whether there is nothing to do. */
export function isEmptyPlan({ links, sysctls, ...nouns }: NetPlan): boolean {
  const differences: Difference<unknown>[] = Object.values(nouns);
  const none = links.remove.length + links.create.length + links.change.length + sysctls.length === 0;
  return none && differences.every(({ add, remove }) => add.length + remove.length === 0);
}

/** What became of each change, noun by noun in the order of the plan. */
export interface NetResults {
  readonly links: readonly LinkResult[];
  readonly addresses: readonly AddressResult[];
  readonly nextHops: readonly NextHopResult[];
  readonly routes: readonly RouteResult[];
  readonly rules: readonly RuleResult[];
  readonly neighbours: readonly NeighbourResult[];
  readonly fdb: readonly FdbResult[];
  readonly sysctls: readonly SysctlResult[];
}

/**
 * Does what the plan says in the order that the kernel wants: what goes, from rules down to links; then what comes,
 * from links up to rules (of addresses, new ones come before old ones go). Sysctls are set once the links are there, since many belong to one. Throws NET_NO_LINK and
 * NET_BAD_VALUE; what the kernel refuses is in the results.
 */
export function applyNet(net: Net, plan: NetPlan): NetResults {
  const removed = {
    rules: net.applyRules(going(plan.rules)),
    routes: net.applyRoutes(going(plan.routes)),
    nextHops: net.applyNextHops(going(plan.nextHops)),
    fdb: net.applyFdb(going(plan.fdb)),
    neighbours: net.applyNeighbours(going(plan.neighbours)),
  };
  const links = net.applyLinks(plan.links);
  const sysctls = net.applySysctls(plan.sysctls);
  const addresses = applyAddresses(net, plan.addresses);
  return {
    links,
    sysctls,
    addresses,
    nextHops: [...removed.nextHops, ...net.applyNextHops(coming(plan.nextHops))],
    neighbours: [...removed.neighbours, ...net.applyNeighbours(coming(plan.neighbours))],
    fdb: [...removed.fdb, ...net.applyFdb(coming(plan.fdb))],
    routes: [...removed.routes, ...net.applyRoutes(coming(plan.routes))],
    rules: [...removed.rules, ...net.applyRules(coming(plan.rules))],
  };
}

/**
 * New ones come before old ones go, since a link without any loses its routes; and once more afterwards, since those of
 * the prefix of a removed one go with it.
 */
function applyAddresses(net: Net, { add, remove }: Difference<Address>): AddressResult[] {
  const first = net.applyAddresses({ add, remove });
  if (remove.length === 0 || add.length === 0) return first;
  return [...net.applyAddresses({ add, remove: [] }), ...first.slice(add.length)];
}

const going = <T>({ remove }: Difference<T>): Difference<T> => ({ add: [], remove });
const coming = <T>({ add }: Difference<T>): Difference<T> => ({ add, remove: [] });

/** The errors among the results. */
export function failuresOf(results: NetResults): PodwireError[] {
  const all: readonly { readonly error: PodwireError | undefined }[] = Object.values(results).flat();
  return all.flatMap(({ error }) => error ?? []);
}
