import { attributes } from '../netlink/attribute.ts';
import {
  array,
  blob,
  bool,
  bytes,
  type Codec,
  named,
  pad,
  text,
  u8,
  u16be,
  u32,
  u64,
  type ValueOf,
} from '../netlink/codec.ts';
import { completeStruct } from '../netlink/complete-struct.ts';
import { type MessageLayout, registerLayouts } from '../netlink/layout.ts';
import { growing } from '../rtnetlink/layout-codec.ts';

/** Messages and attributes of sock_diag(7) for internet sockets, linux/inet_diag.h. */

export const SOCK_DIAG_BY_FAMILY = 20;
export const SOCK_DESTROY = 21;

/** TCP_* of include/net/tcp_states.h; UDP sockets are established (connected) or closed (not). */
export const TCP_STATES = {
  established: 1,
  'syn-sent': 2,
  'syn-received': 3,
  'fin-wait-1': 4,
  'fin-wait-2': 5,
  'time-wait': 6,
  closed: 7,
  'close-wait': 8,
  'last-ack': 9,
  listen: 10,
  closing: 11,
  'new-syn-received': 12,
} as const;

/** What a socket is known by. Addresses take 16 bytes; the family in front says how many of them count. */
const socketId = {
  sourcePort: u16be,
  destinationPort: u16be,
  source: blob(16),
  destination: blob(16),
  link: u32,
  cookie: u64,
} as const;

export const inetDiagRequest = completeStruct('inet_diag_req_v2', {
  family: u8,
  protocol: u8,
  extensions: u8,
  _1: pad(1),
  states: u32,
  ...socketId,
});

export const inetDiagMessage = completeStruct('inet_diag_msg', {
  family: u8,
  state: named(u8, TCP_STATES),
  timer: named(u8, { none: 0, retransmit: 1, keepalive: 2, 'time-wait': 3, probe: 4 }),
  retransmits: u8,
  ...socketId,
  expires: u32,
  receiveQueue: u32,
  sendQueue: u32,
  uid: u32,
  inode: u32,
});

/** struct tcp_info of linux/tcp.h up to Linux 5.4; older kernels leave the end out, newer ones add to it. Times in us or ms. */
const tcpInfoLayout = completeStruct('tcp_info', {
  state: named(u8, TCP_STATES),
  congestionState: named(u8, { open: 0, disorder: 1, cwr: 2, recovery: 3, loss: 4 }),
  retransmits: u8,
  probes: u8,
  backoff: u8,
  options: u8,
  windowScales: u8,
  applicationLimited: u8,
  /** us */
  rto: u32,
  ato: u32,
  sendMss: u32,
  receiveMss: u32,
  unacknowledged: u32,
  sacked: u32,
  lost: u32,
  retransmitted: u32,
  fackets: u32,
  /** ms ago */
  lastDataSent: u32,
  lastAckSent: u32,
  lastDataReceived: u32,
  lastAckReceived: u32,
  pathMtu: u32,
  receiveThreshold: u32,
  /** us */
  rtt: u32,
  rttVariance: u32,
  sendThreshold: u32,
  congestionWindow: u32,
  advertisedMss: u32,
  reordering: u32,
  receiveRtt: u32,
  receiveSpace: u32,
  totalRetransmits: u32,
  /** bytes a second */
  pacingRate: u64,
  maxPacingRate: u64,
  bytesAcknowledged: u64,
  bytesReceived: u64,
  segmentsOut: u32,
  segmentsIn: u32,
  notSentBytes: u32,
  minRtt: u32,
  dataSegmentsIn: u32,
  dataSegmentsOut: u32,
  deliveryRate: u64,
  /** us */
  busyTime: u64,
  receiveWindowLimited: u64,
  sendBufferLimited: u64,
  delivered: u32,
  deliveredMarked: u32,
  bytesSent: u64,
  bytesRetransmitted: u64,
  duplicateSacks: u32,
  reorderSeen: u32,
  outOfOrder: u32,
  sendWindow: u32,
});
export type TcpInfo = ValueOf<typeof tcpInfoLayout>;
const tcpInfo = growing(tcpInfoLayout) as Codec<TcpInfo>;

/** The first bits of idiag_ext ask for the attributes of these numbers: bit n - 1 for attribute n. */
export const inetDiagAttributes = attributes('inet_diag', {
  memory: [
    1,
    completeStruct('inet_diag_meminfo', { receive: u32, sendQueued: u32, forward: u32, send: u32 }),
    'INET_DIAG_MEMINFO',
  ],
  tcpInfo: [2, tcpInfo, 'INET_DIAG_INFO'],
  vegas: [3, bytes, 'INET_DIAG_VEGASINFO'],
  congestion: [4, text, 'INET_DIAG_CONG'],
  tos: [5, u8, 'INET_DIAG_TOS'],
  trafficClass: [6, u8, 'INET_DIAG_TCLASS'],
  /** SK_MEMINFO_*: what ss -m shows. */
  socketMemory: [7, array(u32), 'INET_DIAG_SKMEMINFO'],
  shutdown: [8, u8, 'INET_DIAG_SHUTDOWN'],
  dctcp: [9, bytes, 'INET_DIAG_DCTCPINFO'],
  protocol: [10, u8, 'INET_DIAG_PROTOCOL'],
  v6Only: [11, bool, 'INET_DIAG_SKV6ONLY'],
  locals: [12, bytes, 'INET_DIAG_LOCALS'],
  peers: [13, bytes, 'INET_DIAG_PEERS'],
  mark: [15, u32, 'INET_DIAG_MARK'],
  bbr: [16, bytes, 'INET_DIAG_BBRINFO'],
  classId: [17, u32, 'INET_DIAG_CLASS_ID'],
  md5: [18, bytes, 'INET_DIAG_MD5SIG'],
  upperLayer: [19, bytes, 'INET_DIAG_ULP_INFO'],
  cgroupId: [21, u64, 'INET_DIAG_CGROUP_ID'],
  socketOptions: [22, bytes, 'INET_DIAG_SOCKOPT'],
});

export const inetDiagRequestAttributes = attributes('inet_diag request', {
  bytecode: [1, bytes, 'INET_DIAG_REQ_BYTECODE'],
  protocol: [3, u32, 'INET_DIAG_REQ_PROTOCOL'],
});

/** What a request of NETLINK_SOCK_DIAG holds. Answers have the number of their request: inet_diag_msg, then inetDiagAttributes. */
export const sockDiagLayouts: Readonly<Record<number, MessageLayout>> = {
  [SOCK_DIAG_BY_FAMILY]: { name: 'SOCK_DIAG_BY_FAMILY', header: inetDiagRequest, table: inetDiagRequestAttributes },
  [SOCK_DESTROY]: { name: 'SOCK_DESTROY', header: inetDiagRequest, table: inetDiagRequestAttributes },
};
registerLayouts('sock-diag', sockDiagLayouts);
