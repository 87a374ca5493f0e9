import type { Address } from './address.ts';
import type { FdbEntry } from './fdb.ts';
import type { Neighbour } from './neighbour.ts';
import { normalizeRoute, type Route } from './route.ts';

/** What to write to come from observed to desired. Nothing of `add` needs its predecessor removed first. */
export interface Difference<T> {
  readonly add: readonly T[];
  readonly remove: readonly T[];
}

interface Identity<T> {
  /** Items of one key replace each other in the kernel. */
  readonly key: (item: T) => string;
  /** Items of one value are the same. */
  readonly value: (item: T) => string;
}

function diff<T>(desired: readonly T[], observed: readonly T[], { key, value }: Identity<T>): Difference<T> {
  const wanted = new Map(desired.map((item) => [key(item), value(item)]));
  const present = new Map(observed.map((item) => [key(item), value(item)]));
  return {
    add: desired.filter((item) => present.get(key(item)) !== value(item)),
    remove: observed.filter((item) => !wanted.has(key(item))),
  };
}

/** Routes are told apart by destination, table and priority; everything else is compared after normalizeRoute. */
export function diffRoutes(desired: readonly Route[], observed: readonly Route[]): Difference<Route> {
  return diff(desired, observed, {
    key: (r) => JSON.stringify([r.destination, r.table ?? 254, r.priority ?? implicitPriority(r)]),
    value: (r) => {
      const n = normalizeRoute(r);
      return JSON.stringify([n.via, n.link, n.source, n.protocol, n.scope, n.onlink, n.mtu, n.type]);
    },
  });
}

/** The kernel gives IPv6 routes priority 1024 when none is asked for. */
function implicitPriority(route: Route): number {
  return route.destination.includes(':') ? 1024 : 0;
}

/** An entry that is absent from `desired` is removed, whoever made it: pass only observed entries that are yours. */
export function diffNeighbours(desired: readonly Neighbour[], observed: readonly Neighbour[]): Difference<Neighbour> {
  return diff(desired, observed, {
    key: (n) => JSON.stringify([n.link, n.address, n.proxy ?? false]),
    value: (n) => JSON.stringify(n.proxy ? [] : [n.mac?.toLowerCase(), n.state ?? 'permanent']),
  });
}

/** A MAC address has one destination, but the all-zero one of a VXLAN link, which may have many. */
export function diffFdb(desired: readonly FdbEntry[], observed: readonly FdbEntry[]): Difference<FdbEntry> {
  const many = (f: FdbEntry) => /^[0:]+$/.test(f.mac);
  return diff(desired, observed, {
    key: (f) => JSON.stringify([f.link, f.mac.toLowerCase(), f.master ?? false, many(f) ? f.destination : '']),
    value: (f) => JSON.stringify([f.destination, f.permanent ?? true]),
  });
}

export function diffAddresses(desired: readonly Address[], observed: readonly Address[]): Difference<Address> {
  return diff(desired, observed, {
    key: (a) => JSON.stringify([a.link, a.address, a.prefixLength]),
    value: (a) => JSON.stringify([a.scope ?? 'global', a.protocol ?? 0]),
  });
}
