import { familyOf } from '@podwire/base';
import { type Address, addressKey, subnetOf, touchedSubnets } from './address.ts';
import { type FdbEntry, fdbKey } from './fdb.ts';
import type { Neighbour } from './neighbour.ts';
import { normalizeRule, type Rule } from './rule.ts';

/**
 * What to write to come from observed to desired. What the kernel cannot change in place stands in both lists; the apply
 * functions remove it first, and all else that goes after what comes.
 */
export interface Difference<T> {
  readonly add: readonly T[];
  readonly remove: readonly T[];
}

interface Identity<T> {
  /** Items of one key replace each other in the kernel. */
  readonly key: (item: T) => string;
  /** Whether the observed item is what the desired one asks for. */
  readonly same: (desired: T, observed: T) => boolean;
  /** Whether writing the desired item changes the observed one; default: it does. */
  readonly inPlace?: (desired: T, observed: T) => boolean;
}

/** Among observed items of one key the one that is as desired stays, else the first; the others go. */
export function diff<T>(desired: readonly T[], observed: readonly T[], identity: Identity<T>): Difference<T> {
  const { key, same, inPlace = () => true } = identity;
  const present = new Map<string, T[]>();
  for (const item of observed) {
    const id = key(item);
    const before = present.get(id);
    if (before) before.push(item);
    else present.set(id, [item]);
  }
  const staying = new Set<T>();
  const add = desired.filter((item) => {
    const seen = present.get(key(item));
    const match = seen?.find((one) => same(item, one));
    const changed = seen?.[0] !== undefined && inPlace(item, seen[0]) ? seen[0] : undefined;
    const stays = match ?? changed;
    if (stays !== undefined) staying.add(stays);
    return match === undefined;
  });
  return { add, remove: observed.filter((item) => !staying.has(item)) };
}

/** Text that is equal for equal values: keys in order, bytes as text, nothing for undefined. */
export function canonical(value: unknown): string {
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

/** An entry that is absent from `desired` is removed, whoever made it: pass only observed entries that are yours. */
export function diffNeighbours(desired: readonly Neighbour[], observed: readonly Neighbour[]): Difference<Neighbour> {
  return diff(desired, observed, {
    key: (n) => `${n.link} ${n.address} ${n.proxy ?? false}`,
    same: (a, b) => neighbourText(a) === neighbourText(b),
  });
}

/** The kernel keeps managed entries resolved, so what it found out about them is not compared. */
function neighbourText({ proxy, mac, state = 'permanent', router, externLearn, managed, protocol }: Neighbour): string {
  if (proxy) return canonical([protocol]);
  const resolved = managed ? [] : [mac?.toLowerCase(), state];
  return canonical([resolved, router ?? false, externLearn ?? false, managed ?? false, protocol]);
}

/** A MAC address has one destination, but the all-zero one and groups of a VXLAN link, which may have many. */
export function diffFdb(desired: readonly FdbEntry[], observed: readonly FdbEntry[]): Difference<FdbEntry> {
  return diff(desired, observed, {
    key: fdbKey,
    same: (a, b) => fdbText(a) === fdbText(b),
    // the kernel changes nothing but the destination for a daemon that learns
    inPlace: (a, b) => !a.externLearn || (b.externLearn === true && fdbState(a) === fdbState(b)),
  });
}

function fdbText(entry: FdbEntry): string {
  const { destination, port, vni, via, nextHopId, externLearn = false } = entry;
  return canonical([destination, fdbState(entry), port, vni, via, nextHopId, externLearn]);
}

function fdbState({ static: stays, permanent = true, sticky = false }: FdbEntry): string {
  return `${stays ? 'static' : permanent} ${sticky}`;
}

/**
 * Told apart by link, address and (IPv4) the prefix with the peer. Lifetimes run down, so only whether there are any
 * counts. The kernel chooses the scope of IPv6 addresses, and changes little about an IPv4 address that is there. What
 * shares an IPv4 prefix with an address that goes may go along, and is among `add`.
 */
export function diffAddresses(desired: readonly Address[], observed: readonly Address[]): Difference<Address> {
  const changeable = (a: Address) => canonical([a.protocol ?? 0, a.validLifetime === undefined]);
  const { add, remove } = diff(desired, observed, {
    key: addressKey,
    same: (a, b) =>
      changeable(a) === changeable(b) && sameForLife(a, b) && (!a.routePriority || a.routePriority === b.routePriority),
    inPlace: (a, b) => (familyOf(a.address) === 'ipv4' ? sameForLife(a, b) : a.prefixLength === b.prefixLength),
  });
  const touched = touchedSubnets(remove);
  const again = desired.filter((a) => touched.size > 0 && touched.has(subnetOf(a)) && !add.includes(a));
  return { add: [...add, ...again], remove };
}

/** What an IPv4 address keeps until it is removed; an IPv6 address only its prefix length. */
function sameForLife(desired: Address, observed: Address): boolean {
  const ipv4 = familyOf(desired.address) === 'ipv4';
  const text = (a: Address) =>
    canonical([a.prefixLength, a.peer, a.noPrefixRoute ?? false, ipv4 && (a.scope ?? 'global')]);
  const optional = ipv4 ? (['broadcast', 'label'] as const) : [];
  const given = optional.every((key) => desired[key] === undefined || desired[key] === observed[key]);
  return given && text(desired) === text(observed);
}

/** Rules have no identity beside what they say, so one that differs in anything is another one. */
export function diffRules(desired: readonly Rule[], observed: readonly Rule[]): Difference<Rule> {
  return diff(desired, observed, { key: (rule) => canonical(normalizeRule(rule)), same: () => true });
}
