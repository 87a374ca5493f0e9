import { attributes, selectedBy } from '../netlink/attribute.ts';
import { bool, bytes, named, text, u16, u32 } from '../netlink/codec.ts';
import { headed } from './layout-codec.ts';
import { commonRows, ifinfomsg } from './link-attributes.ts';
import { bridgeData, bridgePortData } from './link-bridge.ts';
import {
  bondData,
  bondPortData,
  ipvlanData,
  macvlanData,
  tunData,
  vlanData,
  vrfData,
  vrfPortData,
} from './link-stacked.ts';
import { bareUdpData, geneveData, greData, ipTunnelData, vtiData, vxlanData, xfrmData } from './link-tunnel.ts';

/** A link message inside another: of a pair's other end. */
const peerLink = headed(
  ifinfomsg,
  attributes('peer', {
    ...commonRows,
    info: [18, attributes('kind of link', { kind: [1, text, 'IFLA_INFO_KIND'] }), 'IFLA_LINKINFO'],
  }),
);

/** VETH_INFO_PEER of linux/veth.h; veth(4). */
const vethData = attributes('veth', { peer: [1, peerLink, 'VETH_INFO_PEER'] });

const netkitPolicy = named(u32, { forward: 0, blackhole: 2 });
const netkitScrub = named(u32, { none: 0, default: 1 });

/** IFLA_NETKIT_*: pairs whose programs run where the packet leaves (Linux 6.7). */
const netkitData = attributes('netkit', {
  peer: [1, peerLink, 'IFLA_NETKIT_PEER_INFO'],
  primary: [2, bool, 'IFLA_NETKIT_PRIMARY'],
  policy: [3, netkitPolicy, 'IFLA_NETKIT_POLICY'],
  peerPolicy: [4, netkitPolicy, 'IFLA_NETKIT_PEER_POLICY'],
  mode: [5, named(u32, { l2: 0, l3: 1 }), 'IFLA_NETKIT_MODE'],
  scrub: [6, netkitScrub, 'IFLA_NETKIT_SCRUB'],
  peerScrub: [7, netkitScrub, 'IFLA_NETKIT_PEER_SCRUB'],
  headroom: [8, u16, 'IFLA_NETKIT_HEADROOM'],
  tailroom: [9, u16, 'IFLA_NETKIT_TAILROOM'],
});

/** Kinds without parameters of their own: dummy, ifb, nlmon; wireguard is configured over generic netlink. */
const noData = attributes('none', {});

/** IFLA_INFO_DATA by IFLA_INFO_KIND. Kinds that are not here keep their data as bytes. */
export const linkKinds = {
  bareudp: bareUdpData,
  bond: bondData,
  bridge: bridgeData,
  dummy: noData,
  erspan: greData,
  geneve: geneveData,
  gre: greData,
  gretap: greData,
  ifb: noData,
  ip6erspan: greData,
  ip6gre: greData,
  ip6gretap: greData,
  ip6tnl: ipTunnelData,
  ipip: ipTunnelData,
  ipvlan: ipvlanData,
  ipvtap: ipvlanData,
  macvlan: macvlanData,
  macvtap: macvlanData,
  netkit: netkitData,
  nlmon: noData,
  sit: ipTunnelData,
  tun: tunData,
  veth: vethData,
  vlan: vlanData,
  vrf: vrfData,
  vti: vtiData,
  vti6: vtiData,
  vxlan: vxlanData,
  wireguard: noData,
  xfrm: xfrmData,
} as const;

/** IFLA_INFO_SLAVE_DATA by IFLA_INFO_SLAVE_KIND: a link's part in its master. */
export const portKinds = { bridge: bridgePortData, bond: bondPortData, vrf: vrfPortData } as const;

const linkInfo = attributes('kind of link', {
  kind: [1, text, 'IFLA_INFO_KIND'],
  data: [2, selectedBy('kind', linkKinds), 'IFLA_INFO_DATA'],
  statistics: [3, bytes, 'IFLA_INFO_XSTATS'],
  portKind: [4, text, 'IFLA_INFO_SLAVE_KIND'],
  portData: [5, selectedBy('portKind', portKinds), 'IFLA_INFO_SLAVE_DATA'],
});

/** Attributes of ifinfomsg messages, linux/if_link.h. */
export const linkAttributes = attributes('link', { ...commonRows, info: [18, linkInfo, 'IFLA_LINKINFO'] });
