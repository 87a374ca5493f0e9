import { attributes, encoded, listOf, selectedBy } from '../netlink/attribute.ts';
import { bits, bytes, named, text, u8, u16be, u32be, u64be } from '../netlink/codec.ts';
import { s32be } from './nfgenmsg.ts';

/**
 * Expressions of nf_tables (linux/netfilter/nf_tables.h): the instructions a rule is made of. They pass values through
 * registers: 0 is the verdict, 1 to 4 have 16 bytes, 8 to 23 are the same 64 bytes in words of 4.
 *
 *   register   1           2           3           4
 *            ┌──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┬──┐
 *            │ 8│ 9│10│11│12│13│14│15│16│17│18│19│20│21│22│23│
 *            └──┴──┴──┴──┴──┴──┴──┴──┴──┴──┴──┴──┴──┴──┴──┴──┘
 *
 * `sreg` registers are read, `dreg` registers are written.
 */
export const nftVerdict = attributes('nft verdict', {
  code: [
    1,
    named(s32be, { drop: 0, accept: 1, queue: 3, continue: -1, break: -2, jump: -3, goto: -4, return: -5 }),
    'NFTA_VERDICT_CODE',
  ],
  chain: [2, text, 'NFTA_VERDICT_CHAIN'],
  chainId: [3, u32be, 'NFTA_VERDICT_CHAIN_ID'],
});

/** Bytes of a register, or a verdict. */
export const nftData = attributes('nft data', {
  value: [1, bytes, 'NFTA_DATA_VALUE'],
  verdict: [2, nftVerdict, 'NFTA_DATA_VERDICT'],
});

const inverted = { inverted: 1 } as const;

const counter = attributes('nft counter', {
  bytes: [1, u64be, 'NFTA_COUNTER_BYTES'],
  packets: [2, u64be, 'NFTA_COUNTER_PACKETS'],
});
const limit = attributes('nft limit', {
  rate: [1, u64be, 'NFTA_LIMIT_RATE'],
  unit: [2, u64be, 'NFTA_LIMIT_UNIT'],
  burst: [3, u32be, 'NFTA_LIMIT_BURST'],
  type: [4, named(u32be, { packets: 0, bytes: 1 }), 'NFTA_LIMIT_TYPE'],
  flags: [5, bits(u32be, inverted), 'NFTA_LIMIT_FLAGS'],
});
const quota = attributes('nft quota', {
  bytes: [1, u64be, 'NFTA_QUOTA_BYTES'],
  consumed: [4, u64be, 'NFTA_QUOTA_CONSUMED'],
  flags: [2, bits(u32be, { inverted: 1, depleted: 2 }), 'NFTA_QUOTA_FLAGS'],
});
const last = attributes('nft last', {
  set: [1, u32be, 'NFTA_LAST_SET'],
  msecs: [2, u64be, 'NFTA_LAST_MSECS'],
});
const connlimit = attributes('nft connlimit', {
  count: [1, u32be, 'NFTA_CONNLIMIT_COUNT'],
  flags: [2, bits(u32be, inverted), 'NFTA_CONNLIMIT_FLAGS'],
});

/** Layouts of the expressions that keep state, and so may stand in elements of sets and be named objects. */
export const nftStateful = { counter, limit, quota, last, connlimit } as const;

/** An expression of a set element or of `dynset`. */
export const nftStatefulExpression = attributes('nft stateful expression', {
  name: [1, text, 'NFTA_EXPR_NAME'],
  data: [2, selectedBy('name', nftStateful), 'NFTA_EXPR_DATA'],
});

const META_KEYS = {
  ...{ length: 0, protocol: 1, priority: 2, mark: 3, iif: 4, oif: 5, iifname: 6, oifname: 7, iiftype: 8, oiftype: 9 },
  ...{ skuid: 10, skgid: 11, nftrace: 12, rtclassid: 13, secmark: 14, nfproto: 15, l4proto: 16, ibrname: 17 },
  ...{ obrname: 18, pkttype: 19, cpu: 20, iifgroup: 21, oifgroup: 22, cgroup: 23, random: 24, ipsec: 25 },
  ...{ iifkind: 26, oifkind: 27, ibrpvid: 28, ibrvproto: 29, time: 30, day: 31, hour: 32, sdif: 33, sdifname: 34 },
} as const;
const CT_KEYS = {
  ...{ state: 0, direction: 1, status: 2, mark: 3, secmark: 4, expiration: 5, helper: 6, l3proto: 7, saddr: 8 },
  ...{ daddr: 9, protocol: 10, 'proto-src': 11, 'proto-dst': 12, label: 13, packets: 14, bytes: 15, avgpkt: 16 },
  ...{ zone: 17, event: 18, 'ip saddr': 19, 'ip daddr': 20, 'ip6 saddr': 21, 'ip6 daddr': 22, id: 23 },
} as const;
const COMPARISONS = { '==': 0, '!=': 1, '<': 2, '<=': 3, '>': 4, '>=': 5 } as const;
const NAT_FLAGS = {
  ...{ 'map-ips': 1, 'proto-specified': 2, random: 4, persistent: 8, 'fully-random': 16, 'proto-offset': 32 },
  netmap: 64,
} as const;

const reading = {
  meta: attributes('nft meta', {
    key: [2, named(u32be, META_KEYS), 'NFTA_META_KEY'],
    dreg: [1, u32be, 'NFTA_META_DREG'],
    sreg: [3, u32be, 'NFTA_META_SREG'],
  }),
  ct: attributes('nft ct', {
    key: [2, named(u32be, CT_KEYS), 'NFTA_CT_KEY'],
    dreg: [1, u32be, 'NFTA_CT_DREG'],
    direction: [3, named(u8, { original: 0, reply: 1 }), 'NFTA_CT_DIRECTION'],
    sreg: [4, u32be, 'NFTA_CT_SREG'],
  }),
  payload: attributes('nft payload', {
    sreg: [5, u32be, 'NFTA_PAYLOAD_SREG'],
    dreg: [1, u32be, 'NFTA_PAYLOAD_DREG'],
    base: [2, named(u32be, { link: 0, network: 1, transport: 2, inner: 3, tunnel: 4 }), 'NFTA_PAYLOAD_BASE'],
    offset: [3, u32be, 'NFTA_PAYLOAD_OFFSET'],
    length: [4, u32be, 'NFTA_PAYLOAD_LEN'],
    checksumType: [6, named(u32be, { none: 0, inet: 1, sctp: 2 }), 'NFTA_PAYLOAD_CSUM_TYPE'],
    checksumOffset: [7, u32be, 'NFTA_PAYLOAD_CSUM_OFFSET'],
    checksumFlags: [8, bits(u32be, { 'pseudo-header': 1 }), 'NFTA_PAYLOAD_CSUM_FLAGS'],
  }),
  exthdr: attributes('nft exthdr', {
    dreg: [1, u32be, 'NFTA_EXTHDR_DREG'],
    sreg: [7, u32be, 'NFTA_EXTHDR_SREG'],
    type: [2, u8, 'NFTA_EXTHDR_TYPE'],
    offset: [3, u32be, 'NFTA_EXTHDR_OFFSET'],
    length: [4, u32be, 'NFTA_EXTHDR_LEN'],
    flags: [5, bits(u32be, { present: 1 }), 'NFTA_EXTHDR_FLAGS'],
    op: [6, named(u32be, { ipv6: 0, tcpopt: 1, ipv4: 2, sctp: 3, dccp: 4 }), 'NFTA_EXTHDR_OP'],
  }),
  rt: attributes('nft rt', {
    key: [2, named(u32be, { classid: 0, 'ip nexthop': 1, 'ip6 nexthop': 2, mtu: 3, ipsec: 4 }), 'NFTA_RT_KEY'],
    dreg: [1, u32be, 'NFTA_RT_DREG'],
  }),
  socket: attributes('nft socket', {
    key: [1, named(u32be, { transparent: 0, mark: 1, wildcard: 2, cgroupv2: 3 }), 'NFTA_SOCKET_KEY'],
    dreg: [2, u32be, 'NFTA_SOCKET_DREG'],
    level: [3, u32be, 'NFTA_SOCKET_LEVEL'],
  }),
  fib: attributes('nft fib', {
    dreg: [1, u32be, 'NFTA_FIB_DREG'],
    result: [2, named(u32be, { oif: 1, oifname: 2, type: 3 }), 'NFTA_FIB_RESULT'],
    flags: [3, bits(u32be, { saddr: 1, daddr: 2, mark: 4, iif: 8, oif: 16, present: 32 }), 'NFTA_FIB_FLAGS'],
  }),
  numgen: attributes('nft numgen', {
    dreg: [1, u32be, 'NFTA_NG_DREG'],
    modulus: [2, u32be, 'NFTA_NG_MODULUS'],
    type: [3, named(u32be, { inc: 0, random: 1 }), 'NFTA_NG_TYPE'],
    offset: [4, u32be, 'NFTA_NG_OFFSET'],
  }),
  hash: attributes('nft hash', {
    sreg: [1, u32be, 'NFTA_HASH_SREG'],
    dreg: [2, u32be, 'NFTA_HASH_DREG'],
    length: [3, u32be, 'NFTA_HASH_LEN'],
    modulus: [4, u32be, 'NFTA_HASH_MODULUS'],
    seed: [5, u32be, 'NFTA_HASH_SEED'],
    offset: [6, u32be, 'NFTA_HASH_OFFSET'],
    type: [7, named(u32be, { jenkins: 0, symmetric: 1 }), 'NFTA_HASH_TYPE'],
  }),
  osf: attributes('nft osf', {
    ttl: [2, u8, 'NFTA_OSF_TTL'],
    flags: [3, bits(u32be, { version: 1 }), 'NFTA_OSF_FLAGS'],
    dreg: [1, u32be, 'NFTA_OSF_DREG'],
  }),
  tunnel: attributes('nft tunnel', {
    key: [1, named(u32be, { path: 0, id: 1 }), 'NFTA_TUNNEL_KEY'],
    dreg: [2, u32be, 'NFTA_TUNNEL_DREG'],
    mode: [3, named(u32be, { none: 0, rx: 1, tx: 2 }), 'NFTA_TUNNEL_MODE'],
  }),
  xfrm: attributes('nft xfrm', {
    dreg: [1, u32be, 'NFTA_XFRM_DREG'],
    key: [
      2,
      named(u32be, { 'ip daddr': 1, 'ip6 daddr': 2, 'ip saddr': 3, 'ip6 saddr': 4, reqid: 5, spi: 6 }),
      'NFTA_XFRM_KEY',
    ],
    direction: [3, named(u8, { in: 0, fwd: 1, out: 2 }), 'NFTA_XFRM_DIR'],
    index: [4, u32be, 'NFTA_XFRM_SPNUM'],
  }),
} as const;

const computing = {
  immediate: attributes('nft immediate', {
    dreg: [1, u32be, 'NFTA_IMMEDIATE_DREG'],
    data: [2, nftData, 'NFTA_IMMEDIATE_DATA'],
  }),
  bitwise: attributes('nft bitwise', {
    sreg: [1, u32be, 'NFTA_BITWISE_SREG'],
    dreg: [2, u32be, 'NFTA_BITWISE_DREG'],
    length: [3, u32be, 'NFTA_BITWISE_LEN'],
    op: [6, named(u32be, { mask: 0, '<<': 1, '>>': 2, and: 3, or: 4, xor: 5 }), 'NFTA_BITWISE_OP'],
    mask: [4, nftData, 'NFTA_BITWISE_MASK'],
    xor: [5, nftData, 'NFTA_BITWISE_XOR'],
    data: [7, nftData, 'NFTA_BITWISE_DATA'],
    sreg2: [8, u32be, 'NFTA_BITWISE_SREG2'],
  }),
  byteorder: attributes('nft byteorder', {
    sreg: [1, u32be, 'NFTA_BYTEORDER_SREG'],
    dreg: [2, u32be, 'NFTA_BYTEORDER_DREG'],
    op: [3, named(u32be, { ntoh: 0, hton: 1 }), 'NFTA_BYTEORDER_OP'],
    length: [4, u32be, 'NFTA_BYTEORDER_LEN'],
    size: [5, u32be, 'NFTA_BYTEORDER_SIZE'],
  }),
} as const;

const matching = {
  cmp: attributes('nft cmp', {
    sreg: [1, u32be, 'NFTA_CMP_SREG'],
    op: [2, named(u32be, COMPARISONS), 'NFTA_CMP_OP'],
    data: [3, nftData, 'NFTA_CMP_DATA'],
  }),
  range: attributes('nft range', {
    sreg: [1, u32be, 'NFTA_RANGE_SREG'],
    op: [2, named(u32be, { '==': 0, '!=': 1 }), 'NFTA_RANGE_OP'],
    from: [3, nftData, 'NFTA_RANGE_FROM_DATA'],
    to: [4, nftData, 'NFTA_RANGE_TO_DATA'],
  }),
  lookup: attributes('nft lookup', {
    set: [1, text, 'NFTA_LOOKUP_SET'],
    sreg: [2, u32be, 'NFTA_LOOKUP_SREG'],
    dreg: [3, u32be, 'NFTA_LOOKUP_DREG'],
    flags: [5, bits(u32be, inverted), 'NFTA_LOOKUP_FLAGS'],
    setId: [4, u32be, 'NFTA_LOOKUP_SET_ID'],
  }),
  dynset: attributes('nft dynset', {
    keyReg: [4, u32be, 'NFTA_DYNSET_SREG_KEY'],
    dataReg: [5, u32be, 'NFTA_DYNSET_SREG_DATA'],
    op: [3, named(u32be, { add: 0, update: 1, delete: 2 }), 'NFTA_DYNSET_OP'],
    set: [1, text, 'NFTA_DYNSET_SET_NAME'],
    setId: [2, u32be, 'NFTA_DYNSET_SET_ID'],
    timeout: [6, u64be, 'NFTA_DYNSET_TIMEOUT'],
    expression: [7, nftStatefulExpression, 'NFTA_DYNSET_EXPR'],
    expressions: [10, listOf(1, nftStatefulExpression), 'NFTA_DYNSET_EXPRESSIONS'],
    flags: [9, bits(u32be, { inverted: 1, expressions: 2 }), 'NFTA_DYNSET_FLAGS'],
  }),
  objref: attributes('nft objref', {
    type: [1, u32be, 'NFTA_OBJREF_IMM_TYPE'],
    name: [2, text, 'NFTA_OBJREF_IMM_NAME'],
    sreg: [3, u32be, 'NFTA_OBJREF_SET_SREG'],
    set: [4, text, 'NFTA_OBJREF_SET_NAME'],
    setId: [5, u32be, 'NFTA_OBJREF_SET_ID'],
  }),
  /** Modules of iptables; `info` is the module's own C struct. */
  match: attributes('nft match', {
    name: [1, text, 'NFTA_MATCH_NAME'],
    revision: [2, u32be, 'NFTA_MATCH_REV'],
    info: [3, bytes, 'NFTA_MATCH_INFO'],
  }),
  target: attributes('nft target', {
    name: [1, text, 'NFTA_TARGET_NAME'],
    revision: [2, u32be, 'NFTA_TARGET_REV'],
    info: [3, bytes, 'NFTA_TARGET_INFO'],
  }),
  inner: attributes('nft inner', {
    number: [1, u32be, 'NFTA_INNER_NUM'],
    type: [2, u32be, 'NFTA_INNER_TYPE'],
    flags: [3, u32be, 'NFTA_INNER_FLAGS'],
    headerSize: [4, u32be, 'NFTA_INNER_HDRSIZE'],
    expression: [5, encoded, 'NFTA_INNER_EXPR'],
  }),
} as const;

/** `map-ips` and `proto-specified` are set by the kernel itself where addresses or ports are given. */
const natFlags = bits(u32be, NAT_FLAGS);
const acting = {
  nat: attributes('nft nat', {
    type: [1, named(u32be, { snat: 0, dnat: 1 }), 'NFTA_NAT_TYPE'],
    family: [2, u32be, 'NFTA_NAT_FAMILY'],
    addressMin: [3, u32be, 'NFTA_NAT_REG_ADDR_MIN'],
    addressMax: [4, u32be, 'NFTA_NAT_REG_ADDR_MAX'],
    portMin: [5, u32be, 'NFTA_NAT_REG_PROTO_MIN'],
    portMax: [6, u32be, 'NFTA_NAT_REG_PROTO_MAX'],
    flags: [7, natFlags, 'NFTA_NAT_FLAGS'],
  }),
  masq: attributes('nft masq', {
    flags: [1, natFlags, 'NFTA_MASQ_FLAGS'],
    portMin: [2, u32be, 'NFTA_MASQ_REG_PROTO_MIN'],
    portMax: [3, u32be, 'NFTA_MASQ_REG_PROTO_MAX'],
  }),
  redir: attributes('nft redir', {
    portMin: [1, u32be, 'NFTA_REDIR_REG_PROTO_MIN'],
    portMax: [2, u32be, 'NFTA_REDIR_REG_PROTO_MAX'],
    flags: [3, natFlags, 'NFTA_REDIR_FLAGS'],
  }),
  tproxy: attributes('nft tproxy', {
    family: [1, u32be, 'NFTA_TPROXY_FAMILY'],
    address: [2, u32be, 'NFTA_TPROXY_REG_ADDR'],
    port: [3, u32be, 'NFTA_TPROXY_REG_PORT'],
  }),
  reject: attributes('nft reject', {
    type: [1, named(u32be, { icmp: 0, 'tcp-reset': 1, icmpx: 2 }), 'NFTA_REJECT_TYPE'],
    code: [2, u8, 'NFTA_REJECT_ICMP_CODE'],
  }),
  log: attributes('nft log', {
    prefix: [2, text, 'NFTA_LOG_PREFIX'],
    group: [1, u16be, 'NFTA_LOG_GROUP'],
    snaplen: [3, u32be, 'NFTA_LOG_SNAPLEN'],
    threshold: [4, u16be, 'NFTA_LOG_QTHRESHOLD'],
    level: [
      5,
      named(u32be, { emerg: 0, alert: 1, crit: 2, err: 3, warn: 4, notice: 5, info: 6, debug: 7, audit: 8 }),
      'NFTA_LOG_LEVEL',
    ],
    flags: [
      6,
      bits(u32be, { 'tcp sequence': 1, 'tcp options': 2, 'ip options': 4, skuid: 8, ether: 32 }),
      'NFTA_LOG_FLAGS',
    ],
  }),
  queue: attributes('nft queue', {
    number: [1, u16be, 'NFTA_QUEUE_NUM'],
    total: [2, u16be, 'NFTA_QUEUE_TOTAL'],
    flags: [3, bits(u16be, { bypass: 1, fanout: 2 }), 'NFTA_QUEUE_FLAGS'],
    sreg: [4, u32be, 'NFTA_QUEUE_SREG_QNUM'],
  }),
  dup: attributes('nft dup', {
    address: [1, u32be, 'NFTA_DUP_SREG_ADDR'],
    device: [2, u32be, 'NFTA_DUP_SREG_DEV'],
  }),
  fwd: attributes('nft fwd', {
    device: [1, u32be, 'NFTA_FWD_SREG_DEV'],
    address: [2, u32be, 'NFTA_FWD_SREG_ADDR'],
    family: [3, u32be, 'NFTA_FWD_NFPROTO'],
  }),
  synproxy: attributes('nft synproxy', {
    mss: [1, u16be, 'NFTA_SYNPROXY_MSS'],
    wscale: [2, u8, 'NFTA_SYNPROXY_WSCALE'],
    flags: [3, bits(u32be, { mss: 1, wscale: 2, 'sack-perm': 4, timestamp: 8, ecn: 16 }), 'NFTA_SYNPROXY_FLAGS'],
  }),
  flow_offload: attributes('nft flow offload', { table: [1, text, 'NFTA_FLOW_TABLE_NAME'] }),
  notrack: attributes('nft notrack', {}),
} as const;

/** Layouts of all expressions by name. */
export const nftExpressions = { ...reading, ...computing, ...matching, ...acting, ...nftStateful } as const;

/** One expression: its name, and attributes as the name says. Expressions of later kernels keep their bytes. */
export const nftExpression = attributes('nft expression', {
  name: [1, text, 'NFTA_EXPR_NAME'],
  data: [2, selectedBy('name', nftExpressions), 'NFTA_EXPR_DATA'],
});
