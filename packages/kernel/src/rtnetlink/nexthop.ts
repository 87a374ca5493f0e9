import { attributes, encoded, selectedBy } from '../netlink/attribute.ts';
import { array, bits, flag, ip, named, pad, struct, u8, u16, u32, u64 } from '../netlink/codec.ts';
import { scope } from './address.ts';
import { addressFamily } from './message-type.ts';
import { ROUTE_FLAGS } from './route.ts';
import { encapKinds, encapType } from './route-encap.ts';

/** The header of next hop objects; ip-nexthop(8), Linux 5.3. */
export const nhmsg = struct('nhmsg', {
  family: addressFamily,
  scope,
  protocol: u8,
  _1: pad(1),
  flags: bits(u32, ROUTE_FLAGS),
});

/** `weight` is the weight less one; kernels since 6.11 have its high byte in `weightHigh`. */
const groupEntry = struct('nexthop_grp', { id: u32, weight: u8, weightHigh: u8, _1: pad(2) });

const resilientGroup = attributes('resilient group', {
  buckets: [1, u16, 'NHA_RES_GROUP_BUCKETS'],
  /** Hundredths of a second, as the other times. */
  idleTimer: [2, u32, 'NHA_RES_GROUP_IDLE_TIMER'],
  unbalancedTimer: [3, u32, 'NHA_RES_GROUP_UNBALANCED_TIMER'],
  unbalancedTime: [4, u64, 'NHA_RES_GROUP_UNBALANCED_TIME'],
});

/** NHA_* of linux/nexthop.h. */
export const nextHopObjectAttributes = attributes('next hop object', {
  id: [1, u32, 'NHA_ID'],
  group: [2, array(groupEntry), 'NHA_GROUP'],
  groupType: [3, named(u16, { multipath: 0, resilient: 1 }), 'NHA_GROUP_TYPE'],
  blackhole: [4, flag, 'NHA_BLACKHOLE'],
  outIndex: [5, u32, 'NHA_OIF'],
  gateway: [6, ip, 'NHA_GATEWAY'],
  encapType: [7, encapType, 'NHA_ENCAP_TYPE'],
  encap: [8, selectedBy('encapType', encapKinds), 'NHA_ENCAP'],
  groups: [9, flag, 'NHA_GROUPS'],
  master: [10, u32, 'NHA_MASTER'],
  fdb: [11, flag, 'NHA_FDB'],
  resilientGroup: [12, resilientGroup, 'NHA_RES_GROUP'],
  resilientBucket: [13, encoded, 'NHA_RES_BUCKET'],
  operationFlags: [14, u32, 'NHA_OP_FLAGS'],
  groupStatistics: [15, encoded, 'NHA_GROUP_STATS'],
  hardwareStatistics: [16, u32, 'NHA_HW_STATS_ENABLE'],
  hardwareStatisticsUsed: [17, u32, 'NHA_HW_STATS_USED'],
});
