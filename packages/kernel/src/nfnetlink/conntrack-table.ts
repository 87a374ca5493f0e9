import { attributes, encoded } from '../netlink/attribute.ts';
import { bits, bytes, ip, named, text, u8, u16be, u32, u32be, u64be } from '../netlink/codec.ts';
import { completeStruct } from '../netlink/complete-struct.ts';
import { s32be } from './nfgenmsg.ts';

/** Messages and attributes of connection tracking, linux/netfilter/nfnetlink_conntrack.h; conntrack(8). */

/** IPCTNL_MSG_CT_*: the lower byte of a message type of NFNL_SUBSYS.CONNTRACK; NEW is also what is listed and announced. */
export const CONNTRACK_MSG = {
  ...{ NEW: 0, GET: 1, DELETE: 2, GET_CTRZERO: 3, GET_STATS_CPU: 4, GET_STATS: 5, GET_DYING: 6, GET_UNCONFIRMED: 7 },
} as const;

/** IPCTNL_MSG_EXP_*: of NFNL_SUBSYS.EXPECTATION. */
export const EXPECTATION_MSG = { NEW: 0, GET: 1, DELETE: 2, GET_STATS_CPU: 3 } as const;

/** NFNLGRP_*: multicast groups of NETLINK_NETFILTER. */
export const NFNLGRP = {
  ...{ CONNTRACK_NEW: 1, CONNTRACK_UPDATE: 2, CONNTRACK_DESTROY: 3 },
  ...{ CONNTRACK_EXP_NEW: 4, CONNTRACK_EXP_UPDATE: 5, CONNTRACK_EXP_DESTROY: 6 },
  ...{ NFTABLES: 7, ACCT_QUOTA: 8, NFTRACE: 9 },
} as const;

/** IPPROTO_* that have a tracker of their own; others are tracked by addresses alone. */
export const CONNECTION_PROTOCOLS = {
  ...{ icmp: 1, tcp: 6, udp: 17, dccp: 33, gre: 47, icmpv6: 58, sctp: 132, udplite: 136 },
} as const;
const protocol = named(u8, CONNECTION_PROTOCOLS);

const addresses = attributes('conntrack addresses', {
  source: [1, ip, 'CTA_IP_V4_SRC'],
  destination: [2, ip, 'CTA_IP_V4_DST'],
  source6: [3, ip, 'CTA_IP_V6_SRC'],
  destination6: [4, ip, 'CTA_IP_V6_DST'],
});
const transport = attributes('conntrack transport', {
  protocol: [1, protocol, 'CTA_PROTO_NUM'],
  sourcePort: [2, u16be, 'CTA_PROTO_SRC_PORT'],
  destinationPort: [3, u16be, 'CTA_PROTO_DST_PORT'],
  icmpId: [4, u16be, 'CTA_PROTO_ICMP_ID'],
  icmpType: [5, u8, 'CTA_PROTO_ICMP_TYPE'],
  icmpCode: [6, u8, 'CTA_PROTO_ICMP_CODE'],
  icmpv6Id: [7, u16be, 'CTA_PROTO_ICMPV6_ID'],
  icmpv6Type: [8, u8, 'CTA_PROTO_ICMPV6_TYPE'],
  icmpv6Code: [9, u8, 'CTA_PROTO_ICMPV6_CODE'],
});
export const tupleAttributes = attributes('conntrack tuple', {
  addresses: [1, addresses, 'CTA_TUPLE_IP'],
  transport: [2, transport, 'CTA_TUPLE_PROTO'],
  zone: [3, u16be, 'CTA_TUPLE_ZONE'],
});

/** IPS_*, by the words of nft where it has them. */
export const CONNECTION_STATUS = {
  ...{ expected: 1, 'seen-reply': 2, assured: 4, confirmed: 8, snat: 0x10, dnat: 0x20, 'seq-adjust': 0x40 },
  ...{ 'snat-done': 0x80, 'dnat-done': 0x100, dying: 0x200, 'fixed-timeout': 0x400, template: 0x800 },
  ...{ untracked: 0x1000, helper: 0x2000, offload: 0x4000, 'hardware-offload': 0x8000 },
} as const;
export const connectionStatus = bits(u32be, CONNECTION_STATUS);

/** TCP_CONNTRACK_*. */
const TCP_STATES = {
  ...{ none: 0, 'syn-sent': 1, 'syn-recv': 2, established: 3, 'fin-wait': 4, 'close-wait': 5, 'last-ack': 6 },
  ...{ 'time-wait': 7, close: 8, 'syn-sent2': 9 },
} as const;
/** IP_CT_TCP_FLAG_*. */
const TCP_FLAGS = {
  ...{ 'window-scale': 1, 'sack-permitted': 2, 'close-init': 4, 'be-liberal': 8, 'data-unacknowledged': 0x10 },
  ...{ 'maxack-set': 0x20, 'challenge-ack': 0x40, 'simultaneous-open': 0x80 },
} as const;
const tcpFlags = completeStruct('nf_ct_tcp_flags', { flags: bits(u8, TCP_FLAGS), mask: bits(u8, TCP_FLAGS) });
const tcp = attributes('conntrack tcp', {
  state: [1, named(u8, TCP_STATES), 'CTA_PROTOINFO_TCP_STATE'],
  originalWindowScale: [2, u8, 'CTA_PROTOINFO_TCP_WSCALE_ORIGINAL'],
  replyWindowScale: [3, u8, 'CTA_PROTOINFO_TCP_WSCALE_REPLY'],
  originalFlags: [4, tcpFlags, 'CTA_PROTOINFO_TCP_FLAGS_ORIGINAL'],
  replyFlags: [5, tcpFlags, 'CTA_PROTOINFO_TCP_FLAGS_REPLY'],
});
/** CT_DCCP_*. */
const DCCP_STATES = {
  ...{ none: 0, request: 1, respond: 2, partopen: 3, open: 4, closereq: 5, closing: 6, timewait: 7, ignore: 8 },
  invalid: 9,
} as const;
const dccp = attributes('conntrack dccp', {
  state: [1, named(u8, DCCP_STATES), 'CTA_PROTOINFO_DCCP_STATE'],
  /** Of the original direction. */
  role: [2, named(u8, { client: 0, server: 1 }), 'CTA_PROTOINFO_DCCP_ROLE'],
  handshakeSequence: [3, u64be, 'CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ'],
});
/** SCTP_CONNTRACK_*. */
const SCTP_STATES = {
  ...{ none: 0, closed: 1, 'cookie-wait': 2, 'cookie-echoed': 3, established: 4, 'shutdown-sent': 5 },
  ...{ 'shutdown-recd': 6, 'shutdown-ack-sent': 7, 'heartbeat-sent': 8, 'heartbeat-acked': 9 },
} as const;
const sctp = attributes('conntrack sctp', {
  state: [1, named(u8, SCTP_STATES), 'CTA_PROTOINFO_SCTP_STATE'],
  originalTag: [2, u32be, 'CTA_PROTOINFO_SCTP_VTAG_ORIGINAL'],
  replyTag: [3, u32be, 'CTA_PROTOINFO_SCTP_VTAG_REPLY'],
});
const protocolInfo = attributes('conntrack protocol information', {
  tcp: [1, tcp, 'CTA_PROTOINFO_TCP'],
  dccp: [2, dccp, 'CTA_PROTOINFO_DCCP'],
  sctp: [3, sctp, 'CTA_PROTOINFO_SCTP'],
});

/** `info` is the helper's own. */
const helper = attributes('conntrack helper', {
  name: [1, text, 'CTA_HELP_NAME'],
  info: [2, encoded, 'CTA_HELP_INFO'],
});
const natPorts = attributes('conntrack nat ports', {
  first: [1, u16be, 'CTA_PROTONAT_PORT_MIN'],
  last: [2, u16be, 'CTA_PROTONAT_PORT_MAX'],
});
/** Only written: an address is chosen from the range when the entry is made. */
const nat = attributes('conntrack nat', {
  first: [1, ip, 'CTA_NAT_V4_MINIP'],
  last: [2, ip, 'CTA_NAT_V4_MAXIP'],
  ports: [3, natPorts, 'CTA_NAT_PROTO'],
  first6: [4, ip, 'CTA_NAT_V6_MINIP'],
  last6: [5, ip, 'CTA_NAT_V6_MAXIP'],
});
const counters = attributes('conntrack counters', {
  packets: [1, u64be, 'CTA_COUNTERS_PACKETS'],
  bytes: [2, u64be, 'CTA_COUNTERS_BYTES'],
});
/** What is added to sequence numbers before and after the position. */
const sequenceAdjustment = attributes('conntrack sequence adjustment', {
  position: [1, u32be, 'CTA_SEQADJ_CORRECTION_POS'],
  before: [2, s32be, 'CTA_SEQADJ_OFFSET_BEFORE'],
  after: [3, s32be, 'CTA_SEQADJ_OFFSET_AFTER'],
});
/** Nanoseconds since 1970. */
const timestamps = attributes('conntrack timestamps', {
  start: [1, u64be, 'CTA_TIMESTAMP_START'],
  stop: [2, u64be, 'CTA_TIMESTAMP_STOP'],
});
const synproxy = attributes('conntrack synproxy', {
  initialSequence: [1, u32be, 'CTA_SYNPROXY_ISN'],
  initialTimestamp: [2, u32be, 'CTA_SYNPROXY_ITS'],
  timestampOffset: [3, s32be, 'CTA_SYNPROXY_TSOFF'],
});
const securityContext = attributes('conntrack security context', { name: [1, text, 'CTA_SECCTX_NAME'] });

/** Which parts of a tuple an entry must equal; CTA_FILTER_F_* of the kernel's net/netfilter/nf_internals.h. */
export const TUPLE_PARTS = {
  ...{ source: 1, destination: 2, zone: 4, protocol: 8, sourcePort: 0x10, destinationPort: 0x20 },
  ...{ icmpType: 0x40, icmpCode: 0x80, icmpId: 0x100, icmpv6Type: 0x200, icmpv6Code: 0x400, icmpv6Id: 0x800 },
} as const;
/** In host order, unlike all else here. */
const filter = attributes('conntrack filter', {
  original: [1, bits(u32, TUPLE_PARTS), 'CTA_FILTER_ORIG_FLAGS'],
  reply: [2, bits(u32, TUPLE_PARTS), 'CTA_FILTER_REPLY_FLAGS'],
});

/** One tracked connection. Labels are a bit map in the order of the machine's bytes. */
export const connectionAttributes = attributes('conntrack entry', {
  original: [1, tupleAttributes, 'CTA_TUPLE_ORIG'],
  reply: [2, tupleAttributes, 'CTA_TUPLE_REPLY'],
  status: [3, connectionStatus, 'CTA_STATUS'],
  protocolInfo: [4, protocolInfo, 'CTA_PROTOINFO'],
  helper: [5, helper, 'CTA_HELP'],
  sourceNat: [6, nat, 'CTA_NAT_SRC'],
  timeout: [7, u32be, 'CTA_TIMEOUT'],
  mark: [8, u32be, 'CTA_MARK'],
  originalCounters: [9, counters, 'CTA_COUNTERS_ORIG'],
  replyCounters: [10, counters, 'CTA_COUNTERS_REPLY'],
  use: [11, u32be, 'CTA_USE'],
  id: [12, u32be, 'CTA_ID'],
  destinationNat: [13, nat, 'CTA_NAT_DST'],
  master: [14, tupleAttributes, 'CTA_TUPLE_MASTER'],
  originalSequenceAdjustment: [15, sequenceAdjustment, 'CTA_SEQ_ADJ_ORIG'],
  replySequenceAdjustment: [16, sequenceAdjustment, 'CTA_SEQ_ADJ_REPLY'],
  securityMark: [17, u32be, 'CTA_SECMARK'],
  zone: [18, u16be, 'CTA_ZONE'],
  securityContext: [19, securityContext, 'CTA_SECCTX'],
  timestamps: [20, timestamps, 'CTA_TIMESTAMP'],
  markMask: [21, u32be, 'CTA_MARK_MASK'],
  labels: [22, bytes, 'CTA_LABELS'],
  labelsMask: [23, bytes, 'CTA_LABELS_MASK'],
  synproxy: [24, synproxy, 'CTA_SYNPROXY'],
  filter: [25, filter, 'CTA_FILTER'],
  statusMask: [26, connectionStatus, 'CTA_STATUS_MASK'],
  /** Nanoseconds since 1970. */
  eventTime: [27, u64be, 'CTA_TIMESTAMP_EVENT'],
});

/** Counters of one CPU, whose number stands in nfgenmsg.resource. */
export const cpuStatisticsAttributes = attributes('conntrack statistics of a cpu', {
  searched: [1, u32be, 'CTA_STATS_SEARCHED'],
  found: [2, u32be, 'CTA_STATS_FOUND'],
  new: [3, u32be, 'CTA_STATS_NEW'],
  invalid: [4, u32be, 'CTA_STATS_INVALID'],
  ignored: [5, u32be, 'CTA_STATS_IGNORE'],
  deleted: [6, u32be, 'CTA_STATS_DELETE'],
  deletedFromLists: [7, u32be, 'CTA_STATS_DELETE_LIST'],
  inserted: [8, u32be, 'CTA_STATS_INSERT'],
  insertFailed: [9, u32be, 'CTA_STATS_INSERT_FAILED'],
  dropped: [10, u32be, 'CTA_STATS_DROP'],
  earlyDropped: [11, u32be, 'CTA_STATS_EARLY_DROP'],
  errors: [12, u32be, 'CTA_STATS_ERROR'],
  searchRestarts: [13, u32be, 'CTA_STATS_SEARCH_RESTART'],
  clashesResolved: [14, u32be, 'CTA_STATS_CLASH_RESOLVE'],
  chainsTooLong: [15, u32be, 'CTA_STATS_CHAIN_TOOLONG'],
});
export const statisticsAttributes = attributes('conntrack statistics', {
  entries: [1, u32be, 'CTA_STATS_GLOBAL_ENTRIES'],
  maxEntries: [2, u32be, 'CTA_STATS_GLOBAL_MAX_ENTRIES'],
});

const expectationNat = attributes('expectation nat', {
  direction: [1, named(u32be, { original: 0, reply: 1 }), 'CTA_EXPECT_NAT_DIR'],
  tuple: [2, tupleAttributes, 'CTA_EXPECT_NAT_TUPLE'],
});
/** A connection that a helper waits for. */
export const expectationAttributes = attributes('expectation', {
  master: [1, tupleAttributes, 'CTA_EXPECT_MASTER'],
  tuple: [2, tupleAttributes, 'CTA_EXPECT_TUPLE'],
  mask: [3, tupleAttributes, 'CTA_EXPECT_MASK'],
  timeout: [4, u32be, 'CTA_EXPECT_TIMEOUT'],
  id: [5, u32be, 'CTA_EXPECT_ID'],
  helper: [6, text, 'CTA_EXPECT_HELP_NAME'],
  zone: [7, u16be, 'CTA_EXPECT_ZONE'],
  flags: [8, bits(u32be, { permanent: 1, inactive: 2, userspace: 4 }), 'CTA_EXPECT_FLAGS'],
  class: [9, u32be, 'CTA_EXPECT_CLASS'],
  nat: [10, expectationNat, 'CTA_EXPECT_NAT'],
  function: [11, text, 'CTA_EXPECT_FN'],
});
export const expectationStatisticsAttributes = attributes('expectation statistics of a cpu', {
  new: [1, u32be, 'CTA_STATS_EXP_NEW'],
  created: [2, u32be, 'CTA_STATS_EXP_CREATE'],
  deleted: [3, u32be, 'CTA_STATS_EXP_DELETE'],
});
