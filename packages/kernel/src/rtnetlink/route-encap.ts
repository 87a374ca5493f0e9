import { attributes, encoded } from '../netlink/attribute.ts';
import { bits, bytes, ip, named, text, u8, u16, u16be, u32, u64be } from '../netlink/codec.ts';

/** LWTUNNEL_ENCAP_* of linux/lwtunnel.h; ip-route(8) "ENCAP". */
export const encapType = named(u16, {
  none: 0,
  mpls: 1,
  ip: 2,
  ila: 3,
  ip6: 4,
  seg6: 5,
  bpf: 6,
  seg6local: 7,
  rpl: 8,
  ioam6: 9,
  xfrm: 10,
});

/** TUNNEL_* of linux/if_tunnel.h. */
const tunnelFlags = bits(u16be, { checksum: 1, key: 4, sequence: 8, dontFragment: 0x100 });

const ipEncap = attributes('encapsulation in IPv4', {
  id: [1, u64be, 'LWTUNNEL_IP_ID'],
  destination: [2, ip, 'LWTUNNEL_IP_DST'],
  source: [3, ip, 'LWTUNNEL_IP_SRC'],
  ttl: [4, u8, 'LWTUNNEL_IP_TTL'],
  tos: [5, u8, 'LWTUNNEL_IP_TOS'],
  flags: [6, tunnelFlags, 'LWTUNNEL_IP_FLAGS'],
  options: [8, encoded, 'LWTUNNEL_IP_OPTS'],
});

const ip6Encap = attributes('encapsulation in IPv6', {
  id: [1, u64be, 'LWTUNNEL_IP6_ID'],
  destination: [2, ip, 'LWTUNNEL_IP6_DST'],
  source: [3, ip, 'LWTUNNEL_IP6_SRC'],
  hopLimit: [4, u8, 'LWTUNNEL_IP6_HOPLIMIT'],
  trafficClass: [5, u8, 'LWTUNNEL_IP6_TC'],
  flags: [6, tunnelFlags, 'LWTUNNEL_IP6_FLAGS'],
  options: [8, encoded, 'LWTUNNEL_IP6_OPTS'],
});

/** Label stack entries of RFC 3032, outermost first. */
const mplsEncap = attributes('MPLS labels', {
  labels: [1, bytes, 'MPLS_IPTUNNEL_DST'],
  ttl: [2, u8, 'MPLS_IPTUNNEL_TTL'],
});

/** Mode, then a segment routing header (RFC 8754). */
const seg6Encap = attributes('segment routing', { header: [1, bytes, 'SEG6_IPTUNNEL_SRH'] });

const program = attributes('BPF program', {
  fd: [1, u32, 'LWT_BPF_PROG_FD'],
  name: [2, text, 'LWT_BPF_PROG_NAME'],
});

const bpfEncap = attributes('BPF programs of a route', {
  in: [1, program, 'LWT_BPF_IN'],
  out: [2, program, 'LWT_BPF_OUT'],
  transmit: [3, program, 'LWT_BPF_XMIT'],
  headroom: [4, u32, 'LWT_BPF_XMIT_HEADROOM'],
});

const seg6Actions = {
  End: 1,
  'End.X': 2,
  'End.T': 3,
  'End.DX2': 4,
  'End.DX6': 5,
  'End.DX4': 6,
  'End.DT6': 7,
  'End.DT4': 8,
  'End.B6': 9,
  'End.B6.Encaps': 10,
  'End.BM': 11,
  'End.S': 12,
  'End.AS': 13,
  'End.AM': 14,
  'End.BPF': 15,
  'End.DT46': 16,
} as const;

/** RFC 8986: what this node does with packets to one of its segments. */
const seg6LocalEncap = attributes('segment endpoint', {
  action: [1, named(u32, seg6Actions), 'SEG6_LOCAL_ACTION'],
  header: [2, bytes, 'SEG6_LOCAL_SRH'],
  table: [3, u32, 'SEG6_LOCAL_TABLE'],
  via4: [4, ip, 'SEG6_LOCAL_NH4'],
  via6: [5, ip, 'SEG6_LOCAL_NH6'],
  inIndex: [6, u32, 'SEG6_LOCAL_IIF'],
  outIndex: [7, u32, 'SEG6_LOCAL_OIF'],
  bpf: [8, encoded, 'SEG6_LOCAL_BPF'],
  vrfTable: [9, u32, 'SEG6_LOCAL_VRFTABLE'],
  counters: [10, encoded, 'SEG6_LOCAL_COUNTERS'],
  flavors: [11, encoded, 'SEG6_LOCAL_FLAVORS'],
});

const xfrmEncap = attributes('IPsec of a route', {
  interfaceId: [1, u32, 'LWT_XFRM_IF_ID'],
  link: [2, u32, 'LWT_XFRM_LINK'],
});

/** RTA_ENCAP by RTA_ENCAP_TYPE; types that are not here keep their parameters as bytes. */
export const encapKinds = {
  mpls: mplsEncap,
  ip: ipEncap,
  ip6: ip6Encap,
  seg6: seg6Encap,
  bpf: bpfEncap,
  seg6local: seg6LocalEncap,
  xfrm: xfrmEncap,
} as const;
