import { attributes, listOf } from '../netlink/attribute.ts';
import { bits, bool, ip, mac, named, s32, struct, u8, u16, u32 } from '../netlink/codec.ts';
import { vlanProtocol } from './link-bridge.ts';

const VLAN_FLAGS = { reorderHeader: 1, gvrp: 2, looseBinding: 4, mvrp: 8, bridgeBinding: 16 } as const;
const vlanFlags = struct('ifla_vlan_flags', { flags: bits(u32, VLAN_FLAGS), mask: bits(u32, VLAN_FLAGS) });
const qosMap = listOf(1, struct('ifla_vlan_qos_mapping', { from: u32, to: u32 })); // IFLA_VLAN_QOS_MAPPING

/** IFLA_VLAN_*: IEEE 802.1Q tags; ip-link(8) "VLAN Type Support". */
export const vlanData = attributes('vlan', {
  id: [1, u16, 'IFLA_VLAN_ID'],
  flags: [2, vlanFlags, 'IFLA_VLAN_FLAGS'],
  egressQos: [3, qosMap, 'IFLA_VLAN_EGRESS_QOS'],
  ingressQos: [4, qosMap, 'IFLA_VLAN_INGRESS_QOS'],
  protocol: [5, vlanProtocol, 'IFLA_VLAN_PROTOCOL'],
});

/** IFLA_MACVLAN_*: macvlan and macvtap. */
export const macvlanData = attributes('macvlan', {
  mode: [1, named(u32, { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 }), 'IFLA_MACVLAN_MODE'],
  flags: [2, bits(u16, { noPromiscuous: 1, noDestination: 2 }), 'IFLA_MACVLAN_FLAGS'],
  addressMode: [3, named(u32, { add: 0, delete: 1, flush: 2, set: 3 }), 'IFLA_MACVLAN_MACADDR_MODE'],
  address: [4, mac, 'IFLA_MACVLAN_MACADDR'],
  addresses: [5, listOf(4, mac), 'IFLA_MACVLAN_MACADDR_DATA'],
  addressCount: [6, u32, 'IFLA_MACVLAN_MACADDR_COUNT'],
  broadcastQueueLength: [7, u32, 'IFLA_MACVLAN_BC_QUEUE_LEN'],
  broadcastQueueLengthUsed: [8, u32, 'IFLA_MACVLAN_BC_QUEUE_LEN_USED'],
  broadcastCutoff: [9, s32, 'IFLA_MACVLAN_BC_CUTOFF'],
});

/** IFLA_IPVLAN_*: ipvlan and ipvtap. */
export const ipvlanData = attributes('ipvlan', {
  mode: [1, named(u16, { l2: 0, l3: 1, l3s: 2 }), 'IFLA_IPVLAN_MODE'],
  flags: [2, bits(u16, { private: 1, vepa: 2 }), 'IFLA_IPVLAN_FLAGS'],
});

/** IFLA_VRF_TABLE: the routing table of the links whose master this one is. */
export const vrfData = attributes('vrf', { table: [1, u32, 'IFLA_VRF_TABLE'] });
export const vrfPortData = attributes('vrf port', { table: [1, u32, 'IFLA_VRF_PORT_TABLE'] });

/** IFLA_TUN_*; told only, a tun link is made through /dev/net/tun. */
export const tunData = attributes('tun', {
  owner: [1, u32, 'IFLA_TUN_OWNER'],
  group: [2, u32, 'IFLA_TUN_GROUP'],
  type: [3, named(u8, { tun: 1, tap: 2 }), 'IFLA_TUN_TYPE'],
  packetInfo: [4, bool, 'IFLA_TUN_PI'],
  vnetHeader: [5, bool, 'IFLA_TUN_VNET_HDR'],
  persist: [6, bool, 'IFLA_TUN_PERSIST'],
  multiQueue: [7, bool, 'IFLA_TUN_MULTI_QUEUE'],
  queues: [8, u32, 'IFLA_TUN_NUM_QUEUES'],
  disabledQueues: [9, u32, 'IFLA_TUN_NUM_DISABLED_QUEUES'],
});

const bondModes = {
  'balance-rr': 0,
  'active-backup': 1,
  'balance-xor': 2,
  broadcast: 3,
  '802.3ad': 4,
  'balance-tlb': 5,
  'balance-alb': 6,
} as const;

const hashPolicies = {
  layer2: 0,
  'layer3+4': 1,
  'layer2+3': 2,
  'encap2+3': 3,
  'encap3+4': 4,
  'vlan+srcmac': 5,
} as const;

const aggregator = attributes('802.3ad aggregator', {
  id: [1, u16, 'IFLA_BOND_AD_INFO_AGGREGATOR'],
  ports: [2, u16, 'IFLA_BOND_AD_INFO_NUM_PORTS'],
  actorKey: [3, u16, 'IFLA_BOND_AD_INFO_ACTOR_KEY'],
  partnerKey: [4, u16, 'IFLA_BOND_AD_INFO_PARTNER_KEY'],
  partnerMac: [5, mac, 'IFLA_BOND_AD_INFO_PARTNER_MAC'],
});

/** Attributes numbered by their place in the list. */
const targets = attributes(
  'ARP targets',
  Object.fromEntries(Array.from({ length: 16 }, (_, i) => [String(i), [i, ip]])),
);

/** IFLA_BOND_*; the kernel's Documentation/networking/bonding.rst. Times are in milliseconds. */
export const bondData = attributes('bond', {
  mode: [1, named(u8, bondModes), 'IFLA_BOND_MODE'],
  activePort: [2, u32, 'IFLA_BOND_ACTIVE_SLAVE'],
  miiMonitor: [3, u32, 'IFLA_BOND_MIIMON'],
  upDelay: [4, u32, 'IFLA_BOND_UPDELAY'],
  downDelay: [5, u32, 'IFLA_BOND_DOWNDELAY'],
  useCarrier: [6, bool, 'IFLA_BOND_USE_CARRIER'],
  arpInterval: [7, u32, 'IFLA_BOND_ARP_INTERVAL'],
  arpTargets: [8, targets, 'IFLA_BOND_ARP_IP_TARGET'],
  arpValidate: [9, u32, 'IFLA_BOND_ARP_VALIDATE'],
  arpAllTargets: [10, u32, 'IFLA_BOND_ARP_ALL_TARGETS'],
  primaryPort: [11, u32, 'IFLA_BOND_PRIMARY'],
  primaryReselect: [12, u8, 'IFLA_BOND_PRIMARY_RESELECT'],
  failOverMac: [13, u8, 'IFLA_BOND_FAIL_OVER_MAC'],
  hashPolicy: [14, named(u8, hashPolicies), 'IFLA_BOND_XMIT_HASH_POLICY'],
  resendIgmp: [15, u32, 'IFLA_BOND_RESEND_IGMP'],
  peerNotifications: [16, u8, 'IFLA_BOND_NUM_PEER_NOTIF'],
  allPortsActive: [17, bool, 'IFLA_BOND_ALL_SLAVES_ACTIVE'],
  minLinks: [18, u32, 'IFLA_BOND_MIN_LINKS'],
  learnPacketInterval: [19, u32, 'IFLA_BOND_LP_INTERVAL'],
  packetsPerPort: [20, u32, 'IFLA_BOND_PACKETS_PER_SLAVE'],
  lacpRate: [21, named(u8, { slow: 0, fast: 1 }), 'IFLA_BOND_AD_LACP_RATE'],
  aggregatorSelect: [22, named(u8, { stable: 0, bandwidth: 1, count: 2, priority: 3 }), 'IFLA_BOND_AD_SELECT'],
  aggregator: [23, aggregator, 'IFLA_BOND_AD_INFO'],
  actorSystemPriority: [24, u16, 'IFLA_BOND_AD_ACTOR_SYS_PRIO'],
  userPortKey: [25, u16, 'IFLA_BOND_AD_USER_PORT_KEY'],
  actorSystem: [26, mac, 'IFLA_BOND_AD_ACTOR_SYSTEM'],
  dynamicLoadBalancing: [27, bool, 'IFLA_BOND_TLB_DYNAMIC_LB'],
  peerNotificationDelay: [28, u32, 'IFLA_BOND_PEER_NOTIF_DELAY'],
  lacpActive: [29, bool, 'IFLA_BOND_AD_LACP_ACTIVE'],
  missedMax: [30, u8, 'IFLA_BOND_MISSED_MAX'],
  nsTargets: [31, targets, 'IFLA_BOND_NS_IP6_TARGET'],
  coupledControl: [32, bool, 'IFLA_BOND_COUPLED_CONTROL'],
  broadcastNeighbour: [33, bool, 'IFLA_BOND_BROADCAST_NEIGH'],
});

/** IFLA_BOND_SLAVE_*: a link's part in the bond that is its master. */
export const bondPortData = attributes('bond port', {
  state: [1, named(u8, { active: 0, backup: 1 }), 'IFLA_BOND_SLAVE_STATE'],
  miiStatus: [2, named(u8, { up: 0, goingDown: 1, down: 2, goingBack: 3 }), 'IFLA_BOND_SLAVE_MII_STATUS'],
  linkFailures: [3, u32, 'IFLA_BOND_SLAVE_LINK_FAILURE_COUNT'],
  permanentMac: [4, mac, 'IFLA_BOND_SLAVE_PERM_HWADDR'],
  queueId: [5, u16, 'IFLA_BOND_SLAVE_QUEUE_ID'],
  aggregatorId: [6, u16, 'IFLA_BOND_SLAVE_AD_AGGREGATOR_ID'],
  actorPortState: [7, u8, 'IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE'],
  partnerPortState: [8, u16, 'IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE'],
  priority: [9, s32, 'IFLA_BOND_SLAVE_PRIO'],
  actorPortPriority: [10, u16, 'IFLA_BOND_SLAVE_ACTOR_PORT_PRIO'],
});
