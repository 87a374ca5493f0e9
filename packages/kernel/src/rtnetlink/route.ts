import type { IpAddress } from '@podwire/base';
import { formatIp, ipBytes } from '@podwire/base';
import { DecodeError, encodeError } from '../errors.ts';
import { type AttributesOf, attributes, selectedBy } from '../netlink/attribute.ts';
import {
  bits,
  bytes,
  type Codec,
  ip,
  named,
  readField,
  s32,
  struct,
  text,
  u8,
  u16,
  u16be,
  u32,
  u32be,
  u64,
} from '../netlink/codec.ts';
import { scope } from './address.ts';
import { growing } from './layout-codec.ts';
import { ADDRESS_FAMILIES, addressFamily } from './message-type.ts';
import { encapKinds, encapType } from './route-encap.ts';

/** RTN_* of linux/rtnetlink.h; ip-route(8) "TYPE". */
export const ROUTE_TYPES = {
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
  nat: 10,
  xresolve: 11,
} as const;

/** RTNH_F_*, RTM_F_* of linux/rtnetlink.h. */
export const ROUTE_FLAGS = {
  dead: 1,
  pervasive: 2,
  onlink: 4,
  offload: 8,
  linkDown: 16,
  unresolved: 32,
  trap: 64,
  notify: 0x100,
  cloned: 0x200,
  equalize: 0x400,
  prefix: 0x800,
  lookupTable: 0x1000,
  fibMatch: 0x2000,
} as const;

/** The header of route messages. Tables above 255 stand in RTA_TABLE. */
export const rtmsg = struct('rtmsg', {
  family: addressFamily,
  destinationLength: u8,
  sourceLength: u8,
  tos: u8,
  table: u8,
  /** RTPROT_*: 2 kernel, 3 boot, 4 static; higher ones are daemons' own. */
  protocol: u8,
  scope,
  type: named(u8, ROUTE_TYPES),
  flags: bits(u32, ROUTE_FLAGS),
});

/** Which metrics the kernel may not change: bit n stands for RTAX number n. */
const METRIC_LOCKS = {
  mtu: 1 << 2,
  window: 1 << 3,
  rtt: 1 << 4,
  rttVar: 1 << 5,
  ssthresh: 1 << 6,
  cwnd: 1 << 7,
  advmss: 1 << 8,
  reordering: 1 << 9,
  hopLimit: 1 << 10,
  rtoMin: 1 << 13,
} as const;

/** RTAX_* of linux/rtnetlink.h; ip-route(8). `rtoMin` in milliseconds, `rtt` in eighths, `rttVar` in quarters of one. */
const metrics = attributes('route metrics', {
  lock: [1, bits(u32, METRIC_LOCKS), 'RTAX_LOCK'],
  mtu: [2, u32, 'RTAX_MTU'],
  window: [3, u32, 'RTAX_WINDOW'],
  rtt: [4, u32, 'RTAX_RTT'],
  rttVar: [5, u32, 'RTAX_RTTVAR'],
  ssthresh: [6, u32, 'RTAX_SSTHRESH'],
  cwnd: [7, u32, 'RTAX_CWND'],
  advmss: [8, u32, 'RTAX_ADVMSS'],
  reordering: [9, u32, 'RTAX_REORDERING'],
  hopLimit: [10, u32, 'RTAX_HOPLIMIT'],
  initcwnd: [11, u32, 'RTAX_INITCWND'],
  features: [12, bits(u32, { ecn: 1, sack: 2, timestamp: 4, allFragments: 8, tcpUsecTs: 16 }), 'RTAX_FEATURES'],
  rtoMin: [13, u32, 'RTAX_RTO_MIN'],
  initrwnd: [14, u32, 'RTAX_INITRWND'],
  quickAck: [15, u32, 'RTAX_QUICKACK'],
  congestionControl: [16, text, 'RTAX_CC_ALGO'],
  fastOpenNoCookie: [17, u32, 'RTAX_FASTOPEN_NO_COOKIE'],
});

/** struct rtvia: a next hop of another family than the destination's. */
const via: Codec<IpAddress | Uint8Array> = {
  name: 'rtvia',
  write(out, value) {
    if (value instanceof Uint8Array) return out.raw(value);
    out.u16(value.includes(':') ? ADDRESS_FAMILIES.ipv6 : ADDRESS_FAMILIES.ipv4);
    out.raw(ipBytes(value));
  },
  read(b) {
    if (b.length < 2) throw new DecodeError(`rtvia from ${b.length} bytes`);
    const known = b.readUInt16LE(0) === (b.length === 6 ? ADDRESS_FAMILIES.ipv4 : ADDRESS_FAMILIES.ipv6);
    return known && (b.length === 6 || b.length === 18) ? formatIp(b.subarray(2)) : b;
  },
};

const encapRows = {
  encapType: [21, encapType, 'RTA_ENCAP_TYPE'],
  encap: [22, selectedBy('encapType', encapKinds), 'RTA_ENCAP'],
} as const;

const nextHopAttributes = attributes('next hop', {
  gateway: [5, ip, 'RTA_GATEWAY'],
  flow: [11, u32, 'RTA_FLOW'],
  via: [18, via, 'RTA_VIA'],
  newDestination: [19, bytes, 'RTA_NEWDST'],
  ...encapRows,
});

const rtnexthop = struct('rtnexthop', { length: u16, flags: bits(u8, ROUTE_FLAGS), hops: u8, index: s32 });
type NextHopHeader = ReturnType<typeof rtnexthop.read>;

/** struct rtnexthop and its attributes. `hops` is the weight less one. */
export type MultipathHop = Partial<Omit<NextHopHeader, 'length'>> & AttributesOf<typeof nextHopAttributes.rows>;

/** RTA_MULTIPATH: one struct rtnexthop behind the other, each with attributes of its own. */
const multipath: Codec<readonly MultipathHop[]> = {
  name: 'list of rtnexthop',
  write(out, hops) {
    for (const hop of hops) {
      const start = out.length;
      rtnexthop.write(out, hop);
      nextHopAttributes.write(out, hop);
      const length = out.length - start;
      if (length > 0xffff) throw encodeError(`a next hop of ${length} bytes`);
      out.patchU16(start, length);
    }
  },
  read(b) {
    const hops: MultipathHop[] = [];
    for (let at = 0; b.length - at >= rtnexthop.size; ) {
      const { length, ...header } = rtnexthop.read(b.subarray(at));
      if (length < rtnexthop.size || at + length > b.length)
        throw new DecodeError(`a next hop of length ${length}`, { offset: at });
      const place = { key: `[${hops.length}]`, at: at + rtnexthop.size };
      hops.push({ ...header, ...readField(nextHopAttributes, b.subarray(at + rtnexthop.size, at + length), place) });
      at += (length + 3) & ~3;
    }
    return hops;
  },
};

const cacheInfo = struct('rta_cacheinfo', {
  clients: u32,
  lastUse: u32,
  expires: s32,
  error: u32,
  used: u32,
  id: u32,
  timestamp: u32,
  timestampAge: u32,
});

const multicastStatistics = struct('rta_mfc_stats', { packets: u64, bytes: u64, wrongInterface: u64 });

/** RTA_* of linux/rtnetlink.h. */
export const routeAttributes = attributes('route', {
  destination: [1, ip, 'RTA_DST'],
  from: [2, ip, 'RTA_SRC'],
  inIndex: [3, u32, 'RTA_IIF'],
  outIndex: [4, u32, 'RTA_OIF'],
  gateway: [5, ip, 'RTA_GATEWAY'],
  priority: [6, u32, 'RTA_PRIORITY'],
  source: [7, ip, 'RTA_PREFSRC'],
  metrics: [8, metrics, 'RTA_METRICS'],
  multipath: [9, multipath, 'RTA_MULTIPATH'],
  flow: [11, u32, 'RTA_FLOW'],
  cacheInfo: [12, growing(cacheInfo), 'RTA_CACHEINFO'],
  table: [15, u32, 'RTA_TABLE'],
  mark: [16, u32, 'RTA_MARK'],
  multicastStatistics: [17, growing(multicastStatistics), 'RTA_MFC_STATS'],
  via: [18, via, 'RTA_VIA'],
  newDestination: [19, bytes, 'RTA_NEWDST'],
  preference: [20, named(u8, { medium: 0, high: 1, low: 3 }), 'RTA_PREF'],
  ...encapRows,
  expires: [23, u32, 'RTA_EXPIRES'],
  uid: [25, u32, 'RTA_UID'],
  ttlPropagate: [26, u8, 'RTA_TTL_PROPAGATE'],
  ipProtocol: [27, u8, 'RTA_IP_PROTO'],
  sourcePort: [28, u16be, 'RTA_SPORT'],
  destinationPort: [29, u16be, 'RTA_DPORT'],
  nextHopId: [30, u32, 'RTA_NH_ID'],
  flowLabel: [31, u32be, 'RTA_FLOWLABEL'],
});
