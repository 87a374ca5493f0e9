import { attributes } from '../netlink/attribute.ts';
import { bits, bool, bytes, flag, ip, named, struct, u8, u16, u16be, u32, u32be } from '../netlink/codec.ts';
import { flagOrByte } from './layout-codec.ts';

const portRange = struct('ifla_vxlan_port_range', { low: u16be, high: u16be });

/** VXLAN_DF_*, GENEVE_DF_*: the "do not fragment" bit of the outer header. */
const dontFragment = named(u8, { unset: 0, set: 1, inherit: 2 });

/** IFLA_VXLAN_*; RFC 7348, ip-link(8) "VXLAN Type Support". Where a length of time is meant it is in seconds. */
export const vxlanData = attributes('vxlan', {
  vni: [1, u32, 'IFLA_VXLAN_ID'],
  group: [2, ip, 'IFLA_VXLAN_GROUP'],
  lowerIndex: [3, u32, 'IFLA_VXLAN_LINK'],
  local: [4, ip, 'IFLA_VXLAN_LOCAL'],
  ttl: [5, u8, 'IFLA_VXLAN_TTL'],
  tos: [6, u8, 'IFLA_VXLAN_TOS'],
  learning: [7, bool, 'IFLA_VXLAN_LEARNING'],
  ageing: [8, u32, 'IFLA_VXLAN_AGEING'],
  maxAddresses: [9, u32, 'IFLA_VXLAN_LIMIT'],
  portRange: [10, portRange, 'IFLA_VXLAN_PORT_RANGE'],
  proxy: [11, bool, 'IFLA_VXLAN_PROXY'],
  routeShortCircuit: [12, bool, 'IFLA_VXLAN_RSC'],
  l2Miss: [13, bool, 'IFLA_VXLAN_L2MISS'],
  l3Miss: [14, bool, 'IFLA_VXLAN_L3MISS'],
  port: [15, u16be, 'IFLA_VXLAN_PORT'],
  group6: [16, ip, 'IFLA_VXLAN_GROUP6'],
  local6: [17, ip, 'IFLA_VXLAN_LOCAL6'],
  udpChecksum: [18, bool, 'IFLA_VXLAN_UDP_CSUM'],
  udp6ZeroChecksumTx: [19, bool, 'IFLA_VXLAN_UDP_ZERO_CSUM6_TX'],
  udp6ZeroChecksumRx: [20, bool, 'IFLA_VXLAN_UDP_ZERO_CSUM6_RX'],
  remoteChecksumTx: [21, bool, 'IFLA_VXLAN_REMCSUM_TX'],
  remoteChecksumRx: [22, bool, 'IFLA_VXLAN_REMCSUM_RX'],
  groupPolicy: [23, flag, 'IFLA_VXLAN_GBP'],
  remoteChecksumNoPartial: [24, flag, 'IFLA_VXLAN_REMCSUM_NOPARTIAL'],
  external: [25, bool, 'IFLA_VXLAN_COLLECT_METADATA'],
  flowLabel: [26, u32be, 'IFLA_VXLAN_LABEL'],
  genericProtocol: [27, flag, 'IFLA_VXLAN_GPE'],
  ttlInherit: [28, flagOrByte, 'IFLA_VXLAN_TTL_INHERIT'],
  dontFragment: [29, dontFragment, 'IFLA_VXLAN_DF'],
  vniFilter: [30, bool, 'IFLA_VXLAN_VNIFILTER'],
  localBypass: [31, bool, 'IFLA_VXLAN_LOCALBYPASS'],
  flowLabelPolicy: [32, named(u32, { fixed: 0, inherit: 1 }), 'IFLA_VXLAN_LABEL_POLICY'],
  reservedBits: [33, bytes, 'IFLA_VXLAN_RESERVED_BITS'],
  multicastRoute: [34, bool, 'IFLA_VXLAN_MC_ROUTE'],
});

/** IFLA_GENEVE_*; RFC 8926. */
export const geneveData = attributes('geneve', {
  vni: [1, u32, 'IFLA_GENEVE_ID'],
  remote: [2, ip, 'IFLA_GENEVE_REMOTE'],
  ttl: [3, u8, 'IFLA_GENEVE_TTL'],
  tos: [4, u8, 'IFLA_GENEVE_TOS'],
  port: [5, u16be, 'IFLA_GENEVE_PORT'],
  external: [6, flag, 'IFLA_GENEVE_COLLECT_METADATA'],
  remote6: [7, ip, 'IFLA_GENEVE_REMOTE6'],
  udpChecksum: [8, bool, 'IFLA_GENEVE_UDP_CSUM'],
  udp6ZeroChecksumTx: [9, bool, 'IFLA_GENEVE_UDP_ZERO_CSUM6_TX'],
  udp6ZeroChecksumRx: [10, bool, 'IFLA_GENEVE_UDP_ZERO_CSUM6_RX'],
  flowLabel: [11, u32be, 'IFLA_GENEVE_LABEL'],
  ttlInherit: [12, bool, 'IFLA_GENEVE_TTL_INHERIT'],
  dontFragment: [13, dontFragment, 'IFLA_GENEVE_DF'],
  innerProtocolInherit: [14, flag, 'IFLA_GENEVE_INNER_PROTO_INHERIT'],
  portRange: [15, portRange, 'IFLA_GENEVE_PORT_RANGE'],
});

const encapType = named(u16, { none: 0, fou: 1, gue: 2, mpls: 3 });
const encapFlags = bits(u16, { checksum: 1, checksum6: 2, remoteChecksum: 4 });

/** IFLA_IPTUN_* of linux/if_tunnel.h: ipip (RFC 2003), sit (RFC 4213), ip6tnl (RFC 2473). */
export const ipTunnelData = attributes('IP tunnel', {
  lowerIndex: [1, u32, 'IFLA_IPTUN_LINK'],
  local: [2, ip, 'IFLA_IPTUN_LOCAL'],
  remote: [3, ip, 'IFLA_IPTUN_REMOTE'],
  ttl: [4, u8, 'IFLA_IPTUN_TTL'],
  tos: [5, u8, 'IFLA_IPTUN_TOS'],
  encapLimit: [6, u8, 'IFLA_IPTUN_ENCAP_LIMIT'],
  flowInfo: [7, u32be, 'IFLA_IPTUN_FLOWINFO'],
  /** Two bytes for sit, four for ip6tnl. */
  flags: [8, bytes, 'IFLA_IPTUN_FLAGS'],
  protocol: [9, named(u8, { any: 0, ipip: 4, ipv6: 41, mpls: 137 }), 'IFLA_IPTUN_PROTO'],
  pathMtuDiscovery: [10, bool, 'IFLA_IPTUN_PMTUDISC'],
  sixRdPrefix: [11, ip, 'IFLA_IPTUN_6RD_PREFIX'],
  sixRdRelayPrefix: [12, ip, 'IFLA_IPTUN_6RD_RELAY_PREFIX'],
  sixRdPrefixLength: [13, u16, 'IFLA_IPTUN_6RD_PREFIXLEN'],
  sixRdRelayPrefixLength: [14, u16, 'IFLA_IPTUN_6RD_RELAY_PREFIXLEN'],
  encapType: [15, encapType, 'IFLA_IPTUN_ENCAP_TYPE'],
  encapFlags: [16, encapFlags, 'IFLA_IPTUN_ENCAP_FLAGS'],
  encapSourcePort: [17, u16be, 'IFLA_IPTUN_ENCAP_SPORT'],
  encapDestinationPort: [18, u16be, 'IFLA_IPTUN_ENCAP_DPORT'],
  external: [19, flag, 'IFLA_IPTUN_COLLECT_METADATA'],
  mark: [20, u32, 'IFLA_IPTUN_FWMARK'],
});

/** GRE_* of linux/if_tunnel.h. */
const greFlags = bits(u16be, { checksum: 0x8000, routing: 0x4000, key: 0x2000, sequence: 0x1000 });

/** IFLA_GRE_* of linux/if_tunnel.h: gre, gretap, ip6gre, ip6gretap, erspan, ip6erspan; RFC 2784, RFC 2890. */
export const greData = attributes('GRE', {
  lowerIndex: [1, u32, 'IFLA_GRE_LINK'],
  inputFlags: [2, greFlags, 'IFLA_GRE_IFLAGS'],
  outputFlags: [3, greFlags, 'IFLA_GRE_OFLAGS'],
  inputKey: [4, u32be, 'IFLA_GRE_IKEY'],
  outputKey: [5, u32be, 'IFLA_GRE_OKEY'],
  local: [6, ip, 'IFLA_GRE_LOCAL'],
  remote: [7, ip, 'IFLA_GRE_REMOTE'],
  ttl: [8, u8, 'IFLA_GRE_TTL'],
  tos: [9, u8, 'IFLA_GRE_TOS'],
  pathMtuDiscovery: [10, bool, 'IFLA_GRE_PMTUDISC'],
  encapLimit: [11, u8, 'IFLA_GRE_ENCAP_LIMIT'],
  flowInfo: [12, u32be, 'IFLA_GRE_FLOWINFO'],
  flags: [13, u32, 'IFLA_GRE_FLAGS'],
  encapType: [14, encapType, 'IFLA_GRE_ENCAP_TYPE'],
  encapFlags: [15, encapFlags, 'IFLA_GRE_ENCAP_FLAGS'],
  encapSourcePort: [16, u16be, 'IFLA_GRE_ENCAP_SPORT'],
  encapDestinationPort: [17, u16be, 'IFLA_GRE_ENCAP_DPORT'],
  external: [18, flag, 'IFLA_GRE_COLLECT_METADATA'],
  ignoreDontFragment: [19, bool, 'IFLA_GRE_IGNORE_DF'],
  mark: [20, u32, 'IFLA_GRE_FWMARK'],
  erspanIndex: [21, u32, 'IFLA_GRE_ERSPAN_INDEX'],
  erspanVersion: [22, u8, 'IFLA_GRE_ERSPAN_VER'],
  erspanDirection: [23, u8, 'IFLA_GRE_ERSPAN_DIR'],
  erspanHardwareId: [24, u16, 'IFLA_GRE_ERSPAN_HWID'],
});

/** IFLA_VTI_*: IPsec tunnels as links, vti and vti6. */
export const vtiData = attributes('vti', {
  lowerIndex: [1, u32, 'IFLA_VTI_LINK'],
  inputKey: [2, u32be, 'IFLA_VTI_IKEY'],
  outputKey: [3, u32be, 'IFLA_VTI_OKEY'],
  local: [4, ip, 'IFLA_VTI_LOCAL'],
  remote: [5, ip, 'IFLA_VTI_REMOTE'],
  mark: [6, u32, 'IFLA_VTI_FWMARK'],
});

/** IFLA_XFRM_*: IPsec policies bound to a link. */
export const xfrmData = attributes('xfrm interface', {
  lowerIndex: [1, u32, 'IFLA_XFRM_LINK'],
  interfaceId: [2, u32, 'IFLA_XFRM_IF_ID'],
  external: [3, flag, 'IFLA_XFRM_COLLECT_METADATA'],
});

/** IFLA_BAREUDP_*: MPLS or IP directly in UDP. */
export const bareUdpData = attributes('bareudp', {
  port: [1, u16be, 'IFLA_BAREUDP_PORT'],
  etherType: [2, u16be, 'IFLA_BAREUDP_ETHERTYPE'],
  sourcePortMin: [3, u16, 'IFLA_BAREUDP_SRCPORT_MIN'],
  multiProtocol: [4, flag, 'IFLA_BAREUDP_MULTIPROTO_MODE'],
});
