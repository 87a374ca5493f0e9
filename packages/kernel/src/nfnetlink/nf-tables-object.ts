import { attributes, selectedBy } from '../netlink/attribute.ts';
import { bits, bytes, ip, named, text, u8, u16, u16be, u32, u32be, u64be } from '../netlink/codec.ts';
import { nftExpressions, nftStateful } from './nf-tables-expression.ts';

/** Named objects of a table (linux/netfilter/nf_tables.h, NFT_OBJECT_*). */
const OBJECT_TYPES = {
  ...{ counter: 1, quota: 2, 'ct helper': 3, limit: 4, connlimit: 5, tunnel: 6, 'ct timeout': 7, secmark: 8 },
  ...{ 'ct expectation': 9, synproxy: 10 },
} as const;
export const nftObjectType = named(u32be, OBJECT_TYPES);

const seconds = u32be;
const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17, dccp: 33, gre: 47, icmpv6: 58, sctp: 132, udplite: 136 } as const;
const l4proto = named(u8, PROTOCOLS);

const tcpTimeouts = attributes('tcp timeouts', {
  'syn-sent': [1, seconds, 'CTA_TIMEOUT_TCP_SYN_SENT'],
  'syn-recv': [2, seconds, 'CTA_TIMEOUT_TCP_SYN_RECV'],
  established: [3, seconds, 'CTA_TIMEOUT_TCP_ESTABLISHED'],
  'fin-wait': [4, seconds, 'CTA_TIMEOUT_TCP_FIN_WAIT'],
  'close-wait': [5, seconds, 'CTA_TIMEOUT_TCP_CLOSE_WAIT'],
  'last-ack': [6, seconds, 'CTA_TIMEOUT_TCP_LAST_ACK'],
  'time-wait': [7, seconds, 'CTA_TIMEOUT_TCP_TIME_WAIT'],
  close: [8, seconds, 'CTA_TIMEOUT_TCP_CLOSE'],
  'syn-sent2': [9, seconds, 'CTA_TIMEOUT_TCP_SYN_SENT2'],
  retrans: [10, seconds, 'CTA_TIMEOUT_TCP_RETRANS'],
  unack: [11, seconds, 'CTA_TIMEOUT_TCP_UNACK'],
});
const udpTimeouts = attributes('udp timeouts', {
  unreplied: [1, seconds, 'CTA_TIMEOUT_UDP_UNREPLIED'],
  replied: [2, seconds, 'CTA_TIMEOUT_UDP_REPLIED'],
});

const connection = {
  'ct helper': attributes('nft ct helper', {
    name: [1, text, 'NFTA_CT_HELPER_NAME'],
    l3proto: [2, u16be, 'NFTA_CT_HELPER_L3PROTO'],
    l4proto: [3, l4proto, 'NFTA_CT_HELPER_L4PROTO'],
  }),
  'ct timeout': attributes('nft ct timeout', {
    l3proto: [1, u16be, 'NFTA_CT_TIMEOUT_L3PROTO'],
    l4proto: [2, l4proto, 'NFTA_CT_TIMEOUT_L4PROTO'],
    data: [3, selectedBy('l4proto', { tcp: tcpTimeouts, udp: udpTimeouts }), 'NFTA_CT_TIMEOUT_DATA'],
  }),
  'ct expectation': attributes('nft ct expectation', {
    l3proto: [1, u16be, 'NFTA_CT_EXPECT_L3PROTO'],
    l4proto: [2, l4proto, 'NFTA_CT_EXPECT_L4PROTO'],
    dport: [3, u16be, 'NFTA_CT_EXPECT_DPORT'],
    /** Milliseconds, in host order. */
    timeout: [4, u32, 'NFTA_CT_EXPECT_TIMEOUT'],
    size: [5, u8, 'NFTA_CT_EXPECT_SIZE'],
  }),
} as const;

const tunnelOptions = attributes('nft tunnel options', {
  vxlan: [
    1,
    attributes('nft tunnel vxlan', { gbp: [1, u32be, 'NFTA_TUNNEL_KEY_VXLAN_GBP'] }),
    'NFTA_TUNNEL_KEY_OPTS_VXLAN',
  ],
  erspan: [
    2,
    attributes('nft tunnel erspan', {
      version: [1, u32be, 'NFTA_TUNNEL_KEY_ERSPAN_VERSION'],
      index: [2, u32be, 'NFTA_TUNNEL_KEY_ERSPAN_V1_INDEX'],
      hardwareId: [3, u8, 'NFTA_TUNNEL_KEY_ERSPAN_V2_HWID'],
      direction: [4, u8, 'NFTA_TUNNEL_KEY_ERSPAN_V2_DIR'],
    }),
    'NFTA_TUNNEL_KEY_OPTS_ERSPAN',
  ],
  geneve: [
    3,
    attributes('nft tunnel geneve', {
      class: [1, u16, 'NFTA_TUNNEL_KEY_GENEVE_CLASS'],
      type: [2, u8, 'NFTA_TUNNEL_KEY_GENEVE_TYPE'],
      data: [3, bytes, 'NFTA_TUNNEL_KEY_GENEVE_DATA'],
    }),
    'NFTA_TUNNEL_KEY_OPTS_GENEVE',
  ],
});
const tunnel = attributes('nft tunnel key', {
  id: [1, u32be, 'NFTA_TUNNEL_KEY_ID'],
  ip: [
    2,
    attributes('nft tunnel ip', {
      source: [1, ip, 'NFTA_TUNNEL_KEY_IP_SRC'],
      destination: [2, ip, 'NFTA_TUNNEL_KEY_IP_DST'],
    }),
    'NFTA_TUNNEL_KEY_IP',
  ],
  ip6: [
    3,
    attributes('nft tunnel ip6', {
      source: [1, ip, 'NFTA_TUNNEL_KEY_IP6_SRC'],
      destination: [2, ip, 'NFTA_TUNNEL_KEY_IP6_DST'],
      flowLabel: [3, u32be, 'NFTA_TUNNEL_KEY_IP6_FLOWLABEL'],
    }),
    'NFTA_TUNNEL_KEY_IP6',
  ],
  flags: [4, bits(u32be, { 'zero-checksum': 1, 'dont-fragment': 2, 'sequence-number': 4 }), 'NFTA_TUNNEL_KEY_FLAGS'],
  tos: [5, u8, 'NFTA_TUNNEL_KEY_TOS'],
  ttl: [6, u8, 'NFTA_TUNNEL_KEY_TTL'],
  sport: [7, u16be, 'NFTA_TUNNEL_KEY_SPORT'],
  dport: [8, u16be, 'NFTA_TUNNEL_KEY_DPORT'],
  options: [9, tunnelOptions, 'NFTA_TUNNEL_KEY_OPTS'],
});

const { counter, quota, limit, connlimit } = nftStateful;
const { synproxy } = nftExpressions;
const secmark = attributes('nft secmark', { context: [1, text, 'NFTA_SECMARK_CTX'] });

/** A named object; `data` as `type` says. */
export const nftObject = attributes('nft object', {
  table: [1, text, 'NFTA_OBJ_TABLE'],
  name: [2, text, 'NFTA_OBJ_NAME'],
  handle: [6, u64be, 'NFTA_OBJ_HANDLE'],
  type: [3, nftObjectType, 'NFTA_OBJ_TYPE'],
  use: [5, u32be, 'NFTA_OBJ_USE'],
  data: [
    4,
    selectedBy('type', { counter, quota, limit, connlimit, secmark, synproxy, tunnel, ...connection }),
    'NFTA_OBJ_DATA',
  ],
  userdata: [8, bytes, 'NFTA_OBJ_USERDATA'],
});
