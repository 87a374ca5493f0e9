import { attributes } from '../netlink/attribute.ts';
import { bits, bytes, flag, ip, mac, pad, s32, struct, text, u8, u16, u16be, u32, u64 } from '../netlink/codec.ts';
import { growing } from './layout-codec.ts';
import { addressFamily } from './message-type.ts';

/** NUD_* of linux/neighbour.h; ip-neighbour(8). */
export const NEIGHBOUR_STATES = {
  incomplete: 1,
  reachable: 2,
  stale: 4,
  delay: 8,
  probe: 16,
  failed: 32,
  noarp: 64,
  permanent: 128,
} as const;

/** NTF_* of linux/neighbour.h. */
export const NEIGHBOUR_FLAGS = {
  use: 1,
  self: 2,
  master: 4,
  proxy: 8,
  externLearn: 16,
  offloaded: 32,
  sticky: 64,
  router: 128,
} as const;

/** NTF_EXT_*, in NDA_FLAGS_EXT. */
export const NEIGHBOUR_EXT_FLAGS = { managed: 1, locked: 2, externValid: 4 } as const;

/** The header of neighbour and forwarding messages. */
export const ndmsg = struct('ndmsg', {
  family: addressFamily,
  _1: pad(3),
  index: s32,
  state: bits(u16, NEIGHBOUR_STATES),
  flags: bits(u8, NEIGHBOUR_FLAGS),
  /** RTN_* */
  type: u8,
});

/** struct nda_cacheinfo: ages in hundredths of a second. */
const neighbourAges = struct('nda_cacheinfo', { confirmed: u32, used: u32, updated: u32, references: u32 });

const fdbExtensions = attributes('fdb extensions', {
  activityNotify: [1, u8, 'NFEA_ACTIVITY_NOTIFY'],
  dontRefresh: [2, flag, 'NFEA_DONT_REFRESH'],
});

/** NDA_* of linux/neighbour.h. */
export const neighbourAttributes = attributes('neighbour', {
  destination: [1, ip, 'NDA_DST'],
  mac: [2, mac, 'NDA_LLADDR'],
  ages: [3, growing(neighbourAges), 'NDA_CACHEINFO'],
  probes: [4, u32, 'NDA_PROBES'],
  vlan: [5, u16, 'NDA_VLAN'],
  port: [6, u16be, 'NDA_PORT'],
  vni: [7, u32, 'NDA_VNI'],
  viaIndex: [8, u32, 'NDA_IFINDEX'],
  master: [9, u32, 'NDA_MASTER'],
  linkNetnsId: [10, s32, 'NDA_LINK_NETNSID'],
  sourceVni: [11, u32, 'NDA_SRC_VNI'],
  protocol: [12, u8, 'NDA_PROTOCOL'],
  nextHopId: [13, u32, 'NDA_NH_ID'],
  fdbExtensions: [14, fdbExtensions, 'NDA_FDB_EXT_ATTRS'],
  extFlags: [15, bits(u32, NEIGHBOUR_EXT_FLAGS), 'NDA_FLAGS_EXT'],
  stateMask: [16, u16, 'NDA_NDM_STATE_MASK'],
  flagsMask: [17, u8, 'NDA_NDM_FLAGS_MASK'],
});

/** The header of neighbour table messages. */
export const ndtmsg = struct('ndtmsg', { family: addressFamily, _1: pad(3) });

const tableParameters = attributes('parameters of a neighbour table', {
  index: [1, u32, 'NDTPA_IFINDEX'],
  references: [2, u32, 'NDTPA_REFCNT'],
  reachableTime: [3, u64, 'NDTPA_REACHABLE_TIME'],
  baseReachableTime: [4, u64, 'NDTPA_BASE_REACHABLE_TIME'],
  retransmitTime: [5, u64, 'NDTPA_RETRANS_TIME'],
  gcStaleTime: [6, u64, 'NDTPA_GC_STALETIME'],
  delayProbeTime: [7, u64, 'NDTPA_DELAY_PROBE_TIME'],
  queueLength: [8, u32, 'NDTPA_QUEUE_LEN'],
  appProbes: [9, u32, 'NDTPA_APP_PROBES'],
  unicastProbes: [10, u32, 'NDTPA_UCAST_PROBES'],
  multicastProbes: [11, u32, 'NDTPA_MCAST_PROBES'],
  anycastDelay: [12, u64, 'NDTPA_ANYCAST_DELAY'],
  proxyDelay: [13, u64, 'NDTPA_PROXY_DELAY'],
  proxyQueueLength: [14, u32, 'NDTPA_PROXY_QLEN'],
  lockTime: [15, u64, 'NDTPA_LOCKTIME'],
  queueBytes: [16, u32, 'NDTPA_QUEUE_LENBYTES'],
  multicastReprobes: [17, u32, 'NDTPA_MCAST_REPROBES'],
  intervalProbeTime: [19, u64, 'NDTPA_INTERVAL_PROBE_TIME_MS'],
});

/** NDTA_*: a neighbour table and its limits. Times in milliseconds. */
export const neighbourTableAttributes = attributes('neighbour table', {
  name: [1, text, 'NDTA_NAME'],
  threshold1: [2, u32, 'NDTA_THRESH1'],
  threshold2: [3, u32, 'NDTA_THRESH2'],
  threshold3: [4, u32, 'NDTA_THRESH3'],
  configuration: [5, bytes, 'NDTA_CONFIG'],
  parameters: [6, tableParameters, 'NDTA_PARMS'],
  statistics: [7, bytes, 'NDTA_STATS'],
  gcInterval: [8, u64, 'NDTA_GC_INTERVAL'],
});
