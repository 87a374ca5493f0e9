import type { IpAddress } from '@podwire/base';
import { attributes, codec, encoded } from '@podwire/kernel';

const { bool, ip, text, u16be, u32, u8, s32, mac } = codec;

/** IFLA_LINKINFO; what `data` and `slaveData` hold depends on the kind. */
const linkInfo = attributes('IFLA_LINKINFO', {
  kind: [1, text], // IFLA_INFO_KIND
  data: [2, encoded], // IFLA_INFO_DATA
  slaveKind: [4, text], // IFLA_INFO_SLAVE_KIND
  slaveData: [5, encoded], // IFLA_INFO_SLAVE_DATA
});

/** Attributes of ifinfomsg messages, linux/if_link.h. */
export const linkAttributes = attributes('link', {
  mac: [1, mac], // IFLA_ADDRESS
  name: [3, text], // IFLA_IFNAME
  mtu: [4, u32], // IFLA_MTU
  peerIndex: [5, u32], // IFLA_LINK
  master: [10, u32], // IFLA_MASTER
  operState: [16, u8], // IFLA_OPERSTATE
  info: [18, linkInfo], // IFLA_LINKINFO
  alias: [20, text], // IFLA_IFALIAS
  netnsFd: [28, u32], // IFLA_NET_NS_FD
  extMask: [29, u32], // IFLA_EXT_MASK
  peerNetnsId: [37, s32], // IFLA_LINK_NETNSID
});

/** IFLA_VXLAN_* */
export const vxlanData = attributes('vxlan', {
  vni: [1, u32], // IFLA_VXLAN_ID
  underlay: [3, u32], // IFLA_VXLAN_LINK
  local: [4, ip], // IFLA_VXLAN_LOCAL
  local6: [17, ip], // IFLA_VXLAN_LOCAL6
  learning: [7, bool], // IFLA_VXLAN_LEARNING
  port: [15, u16be], // IFLA_VXLAN_PORT
});

/** IFLA_BRPORT_*: a link's part in the bridge that is its master. */
export const bridgePortData = attributes('bridge port', {
  hairpin: [4, bool], // IFLA_BRPORT_MODE
  isolated: [33, bool], // IFLA_BRPORT_ISOLATED
});

/** VETH_INFO_PEER of linux/veth.h: a whole link message of the other end. */
export const vethData = attributes('veth', {
  peer: [1, encoded], // VETH_INFO_PEER
});

export interface VxlanParameters {
  readonly vni: number;
  readonly local?: IpAddress;
  readonly port: number;
  readonly learning: boolean;
}

export function readVxlan(data: Buffer): VxlanParameters {
  const { vni = 0, local, local6, port = 0, learning = false } = vxlanData.read(data);
  const address = local ?? local6;
  return { vni, port, learning, ...(address === undefined ? {} : { local: address }) };
}
