import type { IpAddress, Prefix } from '@podwire/base';
import { PodwireError, prefixOf } from '@podwire/base';
import type { Address, FdbEntry, Link, Neighbour, Net, Route } from '@podwire/net';
import { FABRIC_LINK_PREFIX, FABRIC_PROTOCOL, type Underlay, VXLAN_LINK } from './plan.ts';

/** What the kernel of this node has of ours, and what of others stands in the way. */
export interface FabricObserved {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly neighbours: readonly Neighbour[];
  readonly fdb: readonly FdbEntry[];
  readonly routes: readonly Route[];
  /** Destinations of the main table that somebody else has a route for. */
  readonly foreign: ReadonlyMap<Prefix, number>;
  readonly forwarding: boolean;
}

const FORWARDING = 'net/ipv4/ip_forward';

/** Only what carries the room's marks; foreign routes only as far as they could be in the way. */
export function observeFabric(net: Net): FabricObserved {
  const links = net.links().filter((link) => link.name.startsWith(FABRIC_LINK_PREFIX));
  const tunnel = links.some((link) => link.name === VXLAN_LINK);
  const routes = net.routes();
  return {
    links,
    addresses: tunnel ? net.addresses(VXLAN_LINK) : [],
    neighbours: tunnel ? net.neighbours(VXLAN_LINK) : [],
    fdb: tunnel ? net.fdb(VXLAN_LINK) : [],
    routes: routes.filter((route) => route.protocol === FABRIC_PROTOCOL),
    foreign: new Map(
      routes.filter((r) => r.protocol !== FABRIC_PROTOCOL).map((r) => [r.destination, r.protocol ?? 0] as const),
    ),
    forwarding: net.getSysctl(FORWARDING) === '1',
  };
}

/** The interface that carries the node's address. Throws FABRIC_NO_UNDERLAY. */
export function observeUnderlay(net: Net, address: IpAddress): Underlay {
  const all = net.addresses();
  const link = all.find((a) => a.address === address)?.link;
  const mtu = link === undefined ? undefined : net.link(link)?.mtu;
  if (link === undefined || mtu === undefined) {
    const message = `no interface of this node has its InternalIP ${address}; correct the Node's address or the interface's`;
    throw new PodwireError('FABRIC_NO_UNDERLAY', message);
  }
  return { link, mtu, onLink: all.filter((a) => a.link === link).map((a) => prefixOf(a.address, a.prefixLength)) };
}

const RP_FILTER = ['off', 'strict', 'loose'] as const;
/** What the kernel checks on packets that come in by the link: the larger of `all` and the link's own value. */
export function observeRpFilter(net: Net, link: string): (typeof RP_FILTER)[number] {
  const values = ['all', link].map((name) => Number(net.getSysctl(`net/ipv4/conf/${name}/rp_filter`)));
  return RP_FILTER[Math.max(...values)] ?? 'off';
}

export function allowForwarding(net: Net): void {
  net.setSysctl(FORWARDING, '1');
}
