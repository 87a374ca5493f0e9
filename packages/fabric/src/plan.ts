import type { IpAddress, Prefix } from '@podwire/base';
import { hostPrefix, ipBytes, prefixContains, prefixParts } from '@podwire/base';
import type { FabricModel, FabricNode } from './model.ts';

/** Everything the fabric makes carries one of these two marks. */
export const FABRIC_PROTOCOL = 113;
export const FABRIC_LINK_PREFIX = 'pwf';

export const VXLAN_LINK = 'pwf.vxlan';
const VXLAN_VNI = 1;
const VXLAN_PORT = 8472;
/** Outer Ethernet 14, IPv4 20, UDP 8, VXLAN 8. */
const VXLAN_OVERHEAD = 50;

/** The interface the node's InternalIP is on, as observed. */
export interface Underlay {
  readonly link: string;
  readonly mtu: number;
  /** The directly connected prefixes of that interface. */
  readonly onLink: readonly Prefix[];
}

export interface FabricRoute {
  readonly destination: Prefix;
  readonly via: IpAddress;
  readonly link: string;
  readonly onlink: boolean;
  readonly protocol: typeof FABRIC_PROTOCOL;
  readonly why: string;
}

export interface VxlanDevice {
  readonly name: typeof VXLAN_LINK;
  readonly vni: number;
  readonly port: number;
  /** The VTEP's outer address. */
  readonly local: IpAddress;
  readonly mtu: number;
  readonly mac: string;
  /** A /32: node-to-pod traffic is sent from it, so that the answer comes back through the tunnel. */
  readonly address: IpAddress;
}

/** One peer's VTEP: its inner address, its MAC and the node it is on. */
export interface VtepPeer {
  readonly address: IpAddress;
  readonly mac: string;
  readonly node: IpAddress;
  readonly why: string;
}

export interface FabricDesired {
  /** Undefined for host-gw. */
  readonly vxlan: VxlanDevice | undefined;
  readonly vteps: readonly VtepPeer[];
  readonly routes: readonly FabricRoute[];
  /** Peers that cannot be reached by this backend, and why. */
  readonly problems: readonly string[];
}

/** The desired kernel state of one node. Undefined while this node's own Node object is not usable: then nothing is changed. */
export function planFabric(model: FabricModel, underlay: Underlay): FabricDesired | undefined {
  if (!model.self) return undefined;
  return model.backend === 'vxlan' ? planVxlan(model.self, model, underlay) : planHostGateway(model, underlay);
}

function planHostGateway(model: FabricModel, underlay: Underlay): FabricDesired {
  const reachable = (peer: FabricNode) => underlay.onLink.some((prefix) => prefixContains(prefix, peer.address));
  const route = (peer: FabricNode, destination: Prefix): FabricRoute => ({
    ...{ destination, via: peer.address, link: underlay.link, onlink: false, protocol: FABRIC_PROTOCOL },
    why: `Node ${peer.name} has podCIDR ${destination}`,
  });
  return {
    vxlan: undefined,
    vteps: [],
    routes: model.peers.filter(reachable).flatMap((peer) => peer.podCidrs.map((cidr) => route(peer, cidr))),
    problems: model.peers
      .filter((peer) => !reachable(peer))
      .map(
        (p) =>
          `Node ${p.name} (${p.address}) is not in a subnet of ${underlay.link}, which host-gw needs; use backend vxlan`,
      ),
  };
}

function planVxlan(self: FabricNode, model: FabricModel, underlay: Underlay): FabricDesired | undefined {
  const [own] = self.podCidrs;
  if (!own) return undefined;
  const vtepAddress = (cidr: Prefix) => prefixParts(cidr).address;
  const route = (peer: FabricNode, destination: Prefix): FabricRoute => ({
    ...{ destination, via: vtepAddress(peer.podCidrs[0] ?? destination), link: VXLAN_LINK, onlink: true },
    protocol: FABRIC_PROTOCOL,
    why: `Node ${peer.name} has podCIDR ${destination}`,
  });
  return {
    vxlan: {
      ...{ name: VXLAN_LINK, vni: VXLAN_VNI, port: VXLAN_PORT, local: self.address, mac: vtepMac(self.address) },
      ...{ mtu: underlay.mtu - VXLAN_OVERHEAD, address: vtepAddress(own) },
    },
    vteps: model.peers.flatMap((peer) =>
      peer.podCidrs.slice(0, 1).map((cidr) => ({
        ...{ address: vtepAddress(cidr), mac: vtepMac(peer.address), node: peer.address },
        why: `Node ${peer.name} has InternalIP ${peer.address}`,
      })),
    ),
    routes: model.peers.flatMap((peer) => peer.podCidrs.map((cidr) => route(peer, cidr))),
    problems: [],
  };
}

/** A locally administered MAC made of the node's address, so that every node knows every VTEP's MAC without being told. */
export function vtepMac(node: IpAddress): string {
  return ['02', '77', ...Array.from(ipBytes(node), (byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** The desired state as text with reasons, in the order it is written to the kernel. */
export function describeFabric(desired: FabricDesired): { what: string; why: string }[] {
  const { vxlan } = desired;
  const tunnel = vxlan && [
    {
      what: `link ${vxlan.name} vxlan id ${vxlan.vni} local ${vxlan.local} dstport ${vxlan.port} mtu ${vxlan.mtu} address ${vxlan.mac}`,
      why: 'backend vxlan',
    },
    {
      what: `address ${hostPrefix(vxlan.address)} dev ${vxlan.name}`,
      why: 'source of node-to-pod traffic, answered through the tunnel',
    },
    ...desired.vteps.flatMap(({ address, mac, node, why }) => [
      { what: `neigh ${address} lladdr ${mac} dev ${vxlan.name}`, why },
      { what: `fdb ${mac} dst ${node} dev ${vxlan.name}`, why },
    ]),
  ];
  const routes = desired.routes.map((r) => ({
    what: `route ${r.destination} via ${r.via} dev ${r.link}${r.onlink ? ' onlink' : ''} proto ${r.protocol}`,
    why: r.why,
  }));
  return [...(tunnel ?? []), ...routes];
}
