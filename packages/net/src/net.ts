import { PodwireError } from '@podwire/base';
import { currentNetns, type Netlink, type Netns, openNetlink } from '@podwire/kernel';
import {
  type Address,
  type AddressResult,
  addAddress,
  applyAddresses,
  deleteAddress,
  readAddresses,
} from './address.ts';
import type { Difference } from './diff.ts';
import { appendFdb, applyFdb, deleteFdb, type FdbEntry, type FdbResult, readFdb, replaceFdb } from './fdb.ts';
import { deleteLink, type Link, readIndex, readLink, readLinks, readNames } from './link.ts';
import {
  createBridge,
  createLink,
  createVeth,
  createVxlan,
  type LinkSpec,
  type NewBridge,
  type NewVeth,
  type NewVxlan,
} from './link-creation.ts';
import { applyLinks, type LinkDifference, type LinkResult } from './link-diff.ts';
import { type LinkSettings, setLink } from './link-settings.ts';
import {
  applyNeighbours,
  deleteNeighbour,
  type Neighbour,
  type NeighbourResult,
  readNeighbours,
  replaceNeighbour,
} from './neighbour.ts';
import {
  applyNextHops,
  type NextHopFilter,
  type NextHopObject,
  type NextHopResult,
  readNextHops,
} from './nexthop-object.ts';
import { assignNsid, readNsid } from './nsid.ts';
import { applyRoutes, type Route, type RouteChanges, type RouteFilter, type RouteResult, readRoutes } from './route.ts';
import { lookupRoute, type RouteQuery } from './route-lookup.ts';
import type { RouteSocket } from './rtnetlink.ts';
import { type Rule, type RuleFilter, readRules } from './rule.ts';
import { applyRules, type RuleResult } from './rule-batch.ts';
import {
  applySysctls,
  readSysctl,
  readSysctls,
  type SysctlChange,
  type SysctlResult,
  type Sysctls,
  writeSysctl,
} from './sysctl.ts';

/**
 * The links, addresses, routes, rules and neighbours of one network namespace, through one rtnetlink socket. All calls
 * are synchronous and work from any thread position; links are named, never numbered. Throws KernelError, NET_NO_LINK,
 * NET_BAD_VALUE; the apply functions give what the kernel refuses as results.
 */
export interface Net {
  links(): Link[];
  /** By name or alternative name. */
  link(name: string): Link | undefined;
  /** Makes a link of any kind with all its settings, or none. */
  createLink(link: LinkSpec): void;
  createVeth(veth: NewVeth): void;
  createBridge(bridge: NewBridge): void;
  createVxlan(vxlan: NewVxlan): void;
  setLink(name: string, settings: LinkSettings): void;
  deleteLink(name: string): boolean;
  applyLinks(changes: LinkDifference): LinkResult[];
  addresses(link?: string): Address[];
  addAddress(address: Address): void;
  deleteAddress(address: Address): boolean;
  applyAddresses(changes: Difference<Address>): AddressResult[];
  routes(filter?: RouteFilter): Route[];
  applyRoutes(changes: RouteChanges): RouteResult[];
  /** How the kernel would route a packet now; undefined: not at all. */
  lookupRoute(query: RouteQuery): Route | undefined;
  nextHops(filter?: NextHopFilter): NextHopObject[];
  applyNextHops(changes: Difference<NextHopObject>): NextHopResult[];
  rules(filter?: RuleFilter): Rule[];
  applyRules(changes: Difference<Rule>): RuleResult[];
  neighbours(link?: string): Neighbour[];
  replaceNeighbour(neighbour: Neighbour): void;
  deleteNeighbour(neighbour: Neighbour): boolean;
  applyNeighbours(changes: Difference<Neighbour>): NeighbourResult[];
  fdb(link?: string): FdbEntry[];
  replaceFdb(entry: FdbEntry): void;
  appendFdb(entry: FdbEntry): void;
  deleteFdb(entry: FdbEntry): boolean;
  applyFdb(changes: Difference<FdbEntry>): FdbResult[];
  /** `net/ipv4/ip_forward`, of this namespace. */
  getSysctl(path: string): string;
  setSysctl(path: string, value: string): void;
  sysctls(paths: readonly string[]): Sysctls;
  applySysctls(changes: readonly SysctlChange[]): SysctlResult[];
  /** The number by which this namespace knows another one. */
  nsid(netns: Netns): number | undefined;
  assignNsid(netns: Netns, nsid?: number): number;
  close(): void;
}

/** Opens the namespace (default: where the calling thread is now, also when it moves on later). */
export function openNet(netns?: Netns): Net {
  const place = netns ?? currentNetns();
  const netlink = openNetlink('route', netns);
  const socket = routeSocket(netlink);
  let open = true;
  /** Binds the first parameter of a noun's functions to this namespace. */
  const on =
    <P, A extends unknown[], R>(target: P, fn: (target: P, ...args: A) => R) =>
    (...args: A): R => {
      if (!open) throw new PodwireError('NET_CLOSED', `the Net of ${place.path} is closed; open another`);
      return fn(target, ...args);
    };
  return {
    links: on(socket, readLinks),
    link: on(socket, readLink),
    createLink: on(socket, createLink),
    createVeth: on(socket, createVeth),
    createBridge: on(socket, createBridge),
    createVxlan: on(socket, createVxlan),
    setLink: on(socket, setLink),
    deleteLink: on(socket, deleteLink),
    applyLinks: on(socket, applyLinks),
    addresses: on(socket, readAddresses),
    addAddress: on(socket, addAddress),
    deleteAddress: on(socket, deleteAddress),
    applyAddresses: on(socket, applyAddresses),
    routes: on(socket, readRoutes),
    applyRoutes: on(socket, applyRoutes),
    lookupRoute: on(socket, lookupRoute),
    nextHops: on(socket, readNextHops),
    applyNextHops: on(socket, applyNextHops),
    rules: on(socket, readRules),
    applyRules: on(socket, applyRules),
    neighbours: on(socket, readNeighbours),
    replaceNeighbour: on(socket, replaceNeighbour),
    deleteNeighbour: on(socket, deleteNeighbour),
    applyNeighbours: on(socket, applyNeighbours),
    fdb: on(socket, readFdb),
    replaceFdb: on(socket, replaceFdb),
    appendFdb: on(socket, appendFdb),
    deleteFdb: on(socket, deleteFdb),
    applyFdb: on(socket, applyFdb),
    getSysctl: on(place, readSysctl),
    setSysctl: on(place, writeSysctl),
    sysctls: on(place, readSysctls),
    applySysctls: on(place, applySysctls),
    nsid: on(socket, readNsid),
    assignNsid: on(socket, assignNsid),
    close() {
      if (open && !netns) place.close();
      open = false;
      netlink.close();
    },
  };
}

function routeSocket(netlink: Netlink): RouteSocket {
  const socket: RouteSocket = {
    netlink,
    indexOf: (link) => readIndex(socket, link),
    names: () => readNames(socket),
  };
  return socket;
}
