import { type IpAddress, prefixContains, prefixParts } from '@podwire/base';
import { type Attachment, BRIDGE_LINK, gatewayOf } from '@podwire/pods';
import type { ClusterView } from './cluster-view.ts';
import type { NodeView } from './node-view.ts';
import { outsideHostOf, routerOf, UPLINK } from './site.ts';

/** Where a node sends a packet. */
export type Hop = {
  /** Out link; of pods, the host end's stand-in name. */
  readonly link: string;
  /** What masquerade would take from that link. */
  readonly linkAddress?: IpAddress;
  /** The route in words. */
  readonly text: string;
} & (
  | { readonly kind: 'local'; readonly what: string }
  | { readonly kind: 'pod'; readonly attachment: Attachment }
  | { readonly kind: 'node'; readonly node: NodeView; readonly tunnel?: string }
  /** A host that is no node. */
  | { readonly kind: 'host'; readonly what: string }
  | { readonly kind: 'nowhere'; readonly reason: string }
);

/** The route of a node to an address, from the plans of pods and fabric and the site's wires. */
export function routeTo(cluster: ClusterView, from: NodeView, address: string): Hop {
  const { site } = cluster;
  const what = from.local.get(address);
  if (what !== undefined) return { kind: 'local', what, link: 'lo', text: `${address} is ${what}` };
  const attachment = from.attachments.get(address);
  if (attachment) return toPod(cluster, from, attachment);
  if (site.cluster.wiring === 'bridge' && from.podCidr && prefixContains(from.podCidr, address as IpAddress)) {
    const text = `route ${from.podCidr} dev ${BRIDGE_LINK}`;
    return { kind: 'nowhere', link: BRIDGE_LINK, text, reason: `no pod has the address ${address}` };
  }
  return toPeer(cluster, from, address) ?? byUplink(cluster, from, address);
}

function toPod(cluster: ClusterView, from: NodeView, attachment: Attachment): Hop {
  const { address, wiring, hostLink } = attachment;
  const name = cluster.nameOf(address);
  if (wiring === 'ptp')
    return { kind: 'pod', attachment, link: hostLink, text: `route ${address} to the link of ${name}` };
  const gateway = from.podCidr && gatewayOf(from.podCidr);
  const text = `route ${from.podCidr} dev ${BRIDGE_LINK}, port of ${name}`;
  return { kind: 'pod', attachment, link: BRIDGE_LINK, text, ...(gateway && { linkAddress: gateway }) };
}

/** By the fabric's longest prefix. */
function toPeer(cluster: ClusterView, from: NodeView, address: string): Hop | undefined {
  const [route] = (from.fabric?.routes ?? [])
    .filter(({ destination }) => prefixContains(destination, address as IpAddress))
    .toSorted((a, b) => prefixParts(b.destination).length - prefixParts(a.destination).length);
  if (!route) return undefined;
  const { vxlan, vteps = [] } = from.fabric ?? {};
  const vtep = route.link === vxlan?.name ? vteps.find((one) => one.address === route.via) : undefined;
  const outer = vtep?.node ?? route.via;
  const node = cluster.nodes().find((one) => one.address === outer);
  const text = `route ${route.destination} via ${route.via} dev ${route.link} (${route.why})`;
  if (!node) return { kind: 'nowhere', link: route.link, text, reason: `no node has the address ${outer}` };
  const linkAddress = vtep ? vxlan?.address : from.address;
  const tunnel =
    vtep &&
    `VXLAN id ${vxlan?.vni}: ${from.address} -> ${vtep.node} udp ${vxlan?.port}, inner MAC ${vtep.mac}, mtu ${vxlan?.mtu}`;
  return { kind: 'node', node, link: route.link, text, ...(linkAddress && { linkAddress }), ...(tunnel && { tunnel }) };
}

function byUplink(cluster: ClusterView, from: NodeView, address: string): Hop {
  const { site } = cluster;
  const uplink = { link: UPLINK, ...(from.address && { linkAddress: from.address }) };
  if (prefixContains(site.underlay, address as IpAddress)) {
    const text = `route ${site.underlay} dev ${UPLINK}`;
    const node = cluster.nodeAt(address);
    if (node) return { ...uplink, kind: 'node', node, text };
    if (address === routerOf(site))
      return { ...uplink, kind: 'host', what: 'the router, where the API server listens,', text };
    return { ...uplink, kind: 'nowhere', text, reason: `nobody on the nodes' network ${site.underlay} has ${address}` };
  }
  const text = `route default via ${routerOf(site)} dev ${UPLINK}`;
  if (address === outsideHostOf(site)) return { ...uplink, kind: 'host', what: 'the host outside', text };
  if (prefixContains(site.outside, address as IpAddress))
    return { ...uplink, kind: 'nowhere', text, reason: `nobody on the network outside has ${address}` };
  const { podCidrs } = site.cluster;
  const isPods = podCidrs.some((range) => prefixContains(range, address as IpAddress));
  const reason = isPods ? `no pod has the address ${address}` : `the router has no route to ${address}`;
  return { ...uplink, kind: 'nowhere', text, reason };
}
