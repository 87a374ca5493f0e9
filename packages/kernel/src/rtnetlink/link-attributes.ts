import { attributes, encoded, repeated } from '../netlink/attribute.ts';
import { bits, bool, bytes, mac, named, pad, s32, struct, text, u8, u16, u32, u64 } from '../netlink/codec.ts';
import { growing } from './layout-codec.ts';
import { addressFamily } from './message-type.ts';

/** IFF_* of linux/if.h; netdevice(7). */
export const LINK_FLAGS = {
  up: 1,
  broadcast: 2,
  debug: 4,
  loopback: 8,
  pointToPoint: 0x10,
  noTrailers: 0x20,
  running: 0x40,
  noArp: 0x80,
  promiscuous: 0x100,
  allMulticast: 0x200,
  master: 0x400,
  slave: 0x800,
  multicast: 0x1000,
  portSelect: 0x2000,
  autoMedia: 0x4000,
  dynamic: 0x8000,
  lowerUp: 0x10000,
  dormant: 0x20000,
  echo: 0x40000,
} as const;

/** The header of link messages. `change` says which flags are meant. */
export const ifinfomsg = struct('ifinfomsg', {
  family: addressFamily,
  _1: pad(1),
  /** ARPHRD_* of linux/if_arp.h: 1 Ethernet, 772 loopback, 65534 none. */
  type: u16,
  index: s32,
  flags: bits(u32, LINK_FLAGS),
  change: bits(u32, LINK_FLAGS),
});

/** struct rtnl_link_stats64: what went through the link since it exists. */
export const linkStatistics = struct('rtnl_link_stats64', {
  rxPackets: u64,
  txPackets: u64,
  rxBytes: u64,
  txBytes: u64,
  rxErrors: u64,
  txErrors: u64,
  rxDropped: u64,
  txDropped: u64,
  multicast: u64,
  collisions: u64,
  rxLengthErrors: u64,
  rxOverErrors: u64,
  rxCrcErrors: u64,
  rxFrameErrors: u64,
  rxFifoErrors: u64,
  rxMissedErrors: u64,
  txAbortedErrors: u64,
  txCarrierErrors: u64,
  txFifoErrors: u64,
  txHeartbeatErrors: u64,
  txWindowErrors: u64,
  rxCompressed: u64,
  txCompressed: u64,
  rxNoHandler: u64,
  rxOtherHostDropped: u64,
});

const linkMap = struct('rtnl_link_ifmap', {
  memoryStart: u64,
  memoryEnd: u64,
  baseAddress: u64,
  irq: u16,
  dma: u8,
  port: u8,
  _1: pad(4),
});

const xdp = attributes('xdp', {
  fd: [1, s32, 'IFLA_XDP_FD'],
  attached: [2, named(u8, { none: 0, driver: 1, generic: 2, hardware: 3, multi: 4 }), 'IFLA_XDP_ATTACHED'],
  flags: [3, bits(u32, { noExisting: 1, generic: 2, driver: 4, hardware: 8, replace: 16 }), 'IFLA_XDP_FLAGS'],
  programId: [4, u32, 'IFLA_XDP_PROG_ID'],
  driverProgramId: [5, u32, 'IFLA_XDP_DRV_PROG_ID'],
  genericProgramId: [6, u32, 'IFLA_XDP_SKB_PROG_ID'],
  hardwareProgramId: [7, u32, 'IFLA_XDP_HW_PROG_ID'],
  expectedFd: [8, s32, 'IFLA_XDP_EXPECTED_FD'],
});

const protocolDownReason = attributes('protocol down reason', {
  mask: [1, u32, 'IFLA_PROTO_DOWN_REASON_MASK'],
  value: [2, u32, 'IFLA_PROTO_DOWN_REASON_VALUE'],
});

const propertyList = attributes('properties', { altName: [53, repeated(text), 'IFLA_ALT_IFNAME'] });

/** RFC 2863 section 6, IF_OPER_*. */
const operState = named(u8, {
  unknown: 0,
  notPresent: 1,
  down: 2,
  lowerLayerDown: 3,
  testing: 4,
  dormant: 5,
  up: 6,
});

/** IFLA_* of linux/if_link.h that do not depend on the kind of link. */
export const commonRows = {
  mac: [1, mac, 'IFLA_ADDRESS'],
  broadcast: [2, mac, 'IFLA_BROADCAST'],
  name: [3, text, 'IFLA_IFNAME'],
  mtu: [4, u32, 'IFLA_MTU'],
  /** The link below (vlan, macvlan, tunnels) or the other end of a veth. */
  lowerIndex: [5, u32, 'IFLA_LINK'],
  qdisc: [6, text, 'IFLA_QDISC'],
  statistics32: [7, bytes, 'IFLA_STATS'],
  master: [10, u32, 'IFLA_MASTER'],
  protocolInfo: [12, encoded, 'IFLA_PROTINFO'],
  txQueueLength: [13, u32, 'IFLA_TXQLEN'],
  map: [14, growing(linkMap), 'IFLA_MAP'],
  weight: [15, u32, 'IFLA_WEIGHT'],
  operState: [16, operState, 'IFLA_OPERSTATE'],
  linkMode: [17, named(u8, { default: 0, dormant: 1 }), 'IFLA_LINKMODE'],
  netnsPid: [19, u32, 'IFLA_NET_NS_PID'],
  alias: [20, text, 'IFLA_IFALIAS'],
  virtualFunctions: [21, u32, 'IFLA_NUM_VF'],
  virtualFunctionList: [22, encoded, 'IFLA_VFINFO_LIST'],
  statistics: [23, growing(linkStatistics), 'IFLA_STATS64'],
  virtualFunctionPorts: [24, encoded, 'IFLA_VF_PORTS'],
  portSelf: [25, encoded, 'IFLA_PORT_SELF'],
  /** familyRows or, in messages of AF_BRIDGE, bridgeSpec. */
  familySpec: [26, encoded, 'IFLA_AF_SPEC'],
  group: [27, u32, 'IFLA_GROUP'],
  netnsFd: [28, u32, 'IFLA_NET_NS_FD'],
  extMask: [
    29,
    bits(u32, { vf: 1, bridgeVlan: 2, bridgeVlanCompressed: 4, skipStatistics: 8, mrp: 16, cfm: 64, mst: 128 }),
    'IFLA_EXT_MASK',
  ],
  promiscuity: [30, u32, 'IFLA_PROMISCUITY'],
  txQueues: [31, u32, 'IFLA_NUM_TX_QUEUES'],
  rxQueues: [32, u32, 'IFLA_NUM_RX_QUEUES'],
  carrier: [33, bool, 'IFLA_CARRIER'],
  physicalPortId: [34, bytes, 'IFLA_PHYS_PORT_ID'],
  carrierChanges: [35, u32, 'IFLA_CARRIER_CHANGES'],
  physicalSwitchId: [36, bytes, 'IFLA_PHYS_SWITCH_ID'],
  lowerNetnsId: [37, s32, 'IFLA_LINK_NETNSID'],
  physicalPortName: [38, text, 'IFLA_PHYS_PORT_NAME'],
  protocolDown: [39, bool, 'IFLA_PROTO_DOWN'],
  gsoMaxSegments: [40, u32, 'IFLA_GSO_MAX_SEGS'],
  gsoMaxSize: [41, u32, 'IFLA_GSO_MAX_SIZE'],
  xdp: [43, xdp, 'IFLA_XDP'],
  event: [
    44,
    named(u32, {
      none: 0,
      reboot: 1,
      features: 2,
      bondingFailover: 3,
      notifyPeers: 4,
      resendIgmp: 5,
      bondingOptions: 6,
    }),
    'IFLA_EVENT',
  ],
  newNetnsId: [45, s32, 'IFLA_NEW_NETNSID'],
  targetNetnsId: [46, s32, 'IFLA_TARGET_NETNSID'],
  carrierUpCount: [47, u32, 'IFLA_CARRIER_UP_COUNT'],
  carrierDownCount: [48, u32, 'IFLA_CARRIER_DOWN_COUNT'],
  newIndex: [49, s32, 'IFLA_NEW_IFINDEX'],
  minMtu: [50, u32, 'IFLA_MIN_MTU'],
  maxMtu: [51, u32, 'IFLA_MAX_MTU'],
  properties: [52, propertyList, 'IFLA_PROP_LIST'],
  altName: [53, text, 'IFLA_ALT_IFNAME'],
  permanentMac: [54, mac, 'IFLA_PERM_ADDRESS'],
  protocolDownReason: [55, protocolDownReason, 'IFLA_PROTO_DOWN_REASON'],
  parentDevice: [56, text, 'IFLA_PARENT_DEV_NAME'],
  parentBus: [57, text, 'IFLA_PARENT_DEV_BUS_NAME'],
  groMaxSize: [58, u32, 'IFLA_GRO_MAX_SIZE'],
  tsoMaxSize: [59, u32, 'IFLA_TSO_MAX_SIZE'],
  tsoMaxSegments: [60, u32, 'IFLA_TSO_MAX_SEGS'],
  allMulticastCount: [61, u32, 'IFLA_ALLMULTI'],
  devlinkPort: [62, encoded, 'IFLA_DEVLINK_PORT'],
  gsoIpv4MaxSize: [63, u32, 'IFLA_GSO_IPV4_MAX_SIZE'],
  groIpv4MaxSize: [64, u32, 'IFLA_GRO_IPV4_MAX_SIZE'],
  dpllPin: [65, encoded, 'IFLA_DPLL_PIN'],
  maxPacingOffloadHorizon: [66, bytes, 'IFLA_MAX_PACING_OFFLOAD_HORIZON'],
  netnsImmutable: [67, bool, 'IFLA_NETNS_IMMUTABLE'],
  headroom: [68, u16, 'IFLA_HEADROOM'],
  tailroom: [69, u16, 'IFLA_TAILROOM'],
} as const;

const inet6Spec = attributes('IPv6 of a link', {
  flags: [1, u32, 'IFLA_INET6_FLAGS'],
  configuration: [2, bytes, 'IFLA_INET6_CONF'],
  statistics: [3, bytes, 'IFLA_INET6_STATS'],
  cacheInfo: [5, bytes, 'IFLA_INET6_CACHEINFO'],
  icmpStatistics: [6, bytes, 'IFLA_INET6_ICMP6STATS'],
  token: [7, bytes, 'IFLA_INET6_TOKEN'],
  addressGeneration: [8, named(u8, { eui64: 0, none: 1, stablePrivacy: 2, random: 3 }), 'IFLA_INET6_ADDR_GEN_MODE'],
  raMtu: [9, u32, 'IFLA_INET6_RA_MTU'],
});

/** What IFLA_AF_SPEC holds in messages of AF_UNSPEC. */
export const familySpec = attributes('address families of a link', {
  inet: [2, attributes('IPv4 of a link', { configuration: [1, bytes, 'IFLA_INET_CONF'] }), 'AF_INET'],
  inet6: [10, inet6Spec, 'AF_INET6'],
});

const VLAN_FLAGS = { master: 1, pvid: 2, untagged: 4, rangeBegin: 8, rangeEnd: 16, bridgeEntry: 32, onlyOptions: 64 };

/** What IFLA_AF_SPEC holds in messages of AF_BRIDGE: the VLANs of a port, linux/if_bridge.h. */
export const bridgeSpec = attributes('VLANs of a bridge port', {
  flags: [0, bits(u16, { master: 1, self: 2 }), 'IFLA_BRIDGE_FLAGS'],
  mode: [1, u16, 'IFLA_BRIDGE_MODE'],
  vlan: [2, repeated(vlanInfoCodec()), 'IFLA_BRIDGE_VLAN_INFO'],
  tunnel: [
    3,
    repeated(
      attributes('VLAN to tunnel', {
        id: [1, u32, 'IFLA_BRIDGE_VLAN_TUNNEL_ID'],
        vlan: [2, u16, 'IFLA_BRIDGE_VLAN_TUNNEL_VID'],
        flags: [3, bits(u16, VLAN_FLAGS), 'IFLA_BRIDGE_VLAN_TUNNEL_FLAGS'],
      }),
    ),
    'IFLA_BRIDGE_VLAN_TUNNEL_INFO',
  ],
});

function vlanInfoCodec() {
  return struct('bridge_vlan_info', { flags: bits(u16, VLAN_FLAGS), vlan: u16 });
}
