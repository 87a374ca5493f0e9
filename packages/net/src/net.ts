import { PodwireError } from '@podwire/base';
import { currentNetns, type Netlink, type Netns, openNetlink } from '@podwire/kernel';
import { type Address, addAddress, deleteAddress, readAddresses } from './address.ts';
import { appendFdb, deleteFdb, type FdbEntry, readFdb, replaceFdb } from './fdb.ts';
import { deleteLink, type Link, type LinkSettings, readIndex, readLink, readLinks, setLink } from './link.ts';
import { createBridge, createVeth, createVxlan, type NewBridge, type NewVeth, type NewVxlan } from './link-creation.ts';
import { deleteNeighbour, type Neighbour, readNeighbours, replaceNeighbour } from './neighbour.ts';
import { applyRoutes, type Route, type RouteChanges, type RouteFilter, type RouteResult, readRoutes } from './route.ts';
import type { RouteSocket } from './rtnetlink.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';

/**
 * The links, addresses, routes and neighbours of one network namespace, through one rtnetlink socket. All calls are
 * synchronous and work from any thread position; links are named, never numbered. Throws KernelError, NET_NO_LINK.
 */
export interface Net {
  links(): Link[];
  link(name: string): Link | undefined;
  createVeth(veth: NewVeth): void;
  createBridge(bridge: NewBridge): void;
  createVxlan(vxlan: NewVxlan): void;
  setLink(name: string, settings: LinkSettings): void;
  deleteLink(name: string): boolean;
  addresses(link?: string): Address[];
  addAddress(address: Address): void;
  deleteAddress(address: Address): boolean;
  routes(filter?: RouteFilter): Route[];
  applyRoutes(changes: RouteChanges): RouteResult[];
  neighbours(link?: string): Neighbour[];
  replaceNeighbour(neighbour: Neighbour): void;
  deleteNeighbour(neighbour: Neighbour): boolean;
  fdb(link?: string): FdbEntry[];
  replaceFdb(entry: FdbEntry): void;
  appendFdb(entry: FdbEntry): void;
  deleteFdb(entry: FdbEntry): boolean;
  /** `net/ipv4/ip_forward`, of this namespace. */
  getSysctl(path: string): string;
  setSysctl(path: string, value: string): void;
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
    createVeth: on(socket, createVeth),
    createBridge: on(socket, createBridge),
    createVxlan: on(socket, createVxlan),
    setLink: on(socket, setLink),
    deleteLink: on(socket, deleteLink),
    addresses: on(socket, readAddresses),
    addAddress: on(socket, addAddress),
    deleteAddress: on(socket, deleteAddress),
    routes: on(socket, readRoutes),
    applyRoutes: on(socket, applyRoutes),
    neighbours: on(socket, readNeighbours),
    replaceNeighbour: on(socket, replaceNeighbour),
    deleteNeighbour: on(socket, deleteNeighbour),
    fdb: on(socket, readFdb),
    replaceFdb: on(socket, replaceFdb),
    appendFdb: on(socket, appendFdb),
    deleteFdb: on(socket, deleteFdb),
    getSysctl: on(place, readSysctl),
    setSysctl: on(place, writeSysctl),
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
    names: () => new Map(readLinks(socket).map(({ index, name }) => [index, name])),
  };
  return socket;
}
