import type { Address } from './address.ts';
import type { FdbEntry } from './fdb.ts';
import type { Link } from './link.ts';
import type { LinkSpec } from './link-creation.ts';
import type { Neighbour } from './neighbour.ts';
import type { Net } from './net.ts';
import type { NextHopObject } from './nexthop-object.ts';
import type { Route } from './route.ts';
import type { Rule } from './rule.ts';
import type { Sysctls } from './sysctl.ts';

/** By what a program knows its own objects again; everything else is left alone. */
export interface NetOwnership {
  /** Routes, rules, next hops, addresses and neighbours carry this number (RTPROT_*, IFA_PROTO, ...); 5 to 255. */
  readonly protocol: number;
  /** Names of its links begin with it; what is on them is its own, too. */
  readonly prefix: string;
}

/** What a namespace is to hold. A noun that is absent is not looked at. */
export interface DesiredNet {
  readonly links?: readonly LinkSpec[];
  readonly addresses?: readonly Address[];
  readonly nextHops?: readonly NextHopObject[];
  readonly routes?: readonly Route[];
  readonly rules?: readonly Rule[];
  readonly neighbours?: readonly Neighbour[];
  /** Of VXLAN links. */
  readonly fdb?: readonly FdbEntry[];
  readonly sysctls?: Sysctls;
}

/** What a namespace holds of an owner's objects, and all links. */
export interface ObservedNet {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly nextHops: readonly NextHopObject[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly neighbours: readonly Neighbour[];
  readonly fdb: readonly FdbEntry[];
  readonly sysctls: Sysctls;
}

/** Reads what is the owner's, and the values of these sysctls. */
export function observeNet(net: Net, owner: NetOwnership, sysctls: readonly string[] = []): ObservedNet {
  const { protocol, prefix } = owner;
  const own = (name: string) => name.startsWith(prefix);
  const links = net.links();
  const tunnels = links.filter((link) => link.kind === 'vxlan' && own(link.name));
  return {
    links,
    addresses: net.addresses().filter((a) => a.protocol === protocol || (own(a.link) && !isAutomatic(a))),
    nextHops: net.nextHops({ protocol }),
    routes: net.routes({ protocol, table: 0 }),
    rules: net.rules({ protocol }),
    neighbours: net.neighbours().filter((n) => n.protocol === protocol || (own(n.link) && isMade(n))),
    fdb: tunnels.flatMap(({ name }) => net.fdb(name)).filter((entry) => isWritten(entry) && !entry.master),
    sysctls: net.sysctls(sysctls),
  };
}

/** The kernel's own: IPv6 link-local addresses and those learned from routers. */
function isAutomatic({ address, protocol, state }: Address): boolean {
  const temporary = address.includes(':') && (state?.includes('secondary') || state?.includes('stablePrivacy'));
  return /^fe[89ab]/.test(address) || protocol === 2 || (temporary ?? false);
}

/** Somebody wrote it: it was not learned. */
function isMade({ state, proxy, externLearn }: Neighbour): boolean {
  return state === 'permanent' || proxy === true || externLearn === true;
}

/** As isMade, of forwarding entries. */
function isWritten({ permanent, externLearn }: FdbEntry): boolean {
  return permanent === true || externLearn === true;
}
