import type { ValueType } from './data-type.ts';

interface KeyInfo {
  readonly type: ValueType;
  /** The kernel's number. */
  readonly key: number;
}

interface CtInfo extends KeyInfo {
  /** IP_CT_DIR_ORIGINAL (0) is the tuple before NAT. */
  readonly direction?: 0 | 1;
}

const keys = <K extends string>(rows: Readonly<Record<K, CtInfo>>): Readonly<Record<K, CtInfo>> => rows;

/** What the kernel knows of a packet besides its bytes; numbers are enum nft_meta_keys, names nft(8), META EXPRESSIONS. */
export const META = keys({
  length: { type: 'integer32', key: 0 },
  protocol: { type: 'ether_type', key: 1 },
  priority: { type: 'classid', key: 2 },
  mark: { type: 'mark', key: 3 },
  iif: { type: 'iface_index', key: 4 },
  oif: { type: 'iface_index', key: 5 },
  iifname: { type: 'ifname', key: 6 },
  oifname: { type: 'ifname', key: 7 },
  iiftype: { type: 'iface_type', key: 8 },
  oiftype: { type: 'iface_type', key: 9 },
  skuid: { type: 'uid', key: 10 },
  skgid: { type: 'gid', key: 11 },
  nftrace: { type: 'bit', key: 12 },
  rtclassid: { type: 'realm', key: 13 },
  nfproto: { type: 'nf_proto', key: 15 },
  l4proto: { type: 'inet_proto', key: 16 },
  ibrname: { type: 'ifname', key: 17 },
  obrname: { type: 'ifname', key: 18 },
  pkttype: { type: 'pkt_type', key: 19 },
  cpu: { type: 'integer32', key: 20 },
  iifgroup: { type: 'devgroup', key: 21 },
  oifgroup: { type: 'devgroup', key: 22 },
  cgroup: { type: 'integer32', key: 23 },
  random: { type: 'integer32be', key: 24 },
  ipsec: { type: 'boolean', key: 25 },
  iifkind: { type: 'ifkind', key: 26 },
  oifkind: { type: 'ifkind', key: 27 },
  ibrpvid: { type: 'integer16', key: 28 },
  ibrvproto: { type: 'ether_type', key: 29 },
  time: { type: 'time', key: 30 },
  day: { type: 'day', key: 31 },
  hour: { type: 'hour', key: 32 },
  sdif: { type: 'iface_index', key: 33 },
  sdifname: { type: 'ifname', key: 34 },
});

export type MetaKey = keyof typeof META;

/** What conntrack knows of a packet's connection; numbers are enum nft_ct_keys, names nft(8), CT EXPRESSIONS. */
export const CT = keys({
  state: { type: 'ct_state', key: 0 },
  direction: { type: 'ct_dir', key: 1 },
  status: { type: 'ct_status', key: 2 },
  mark: { type: 'mark', key: 3 },
  expiration: { type: 'duration', key: 5 },
  helper: { type: 'helper', key: 6 },
  l3proto: { type: 'nf_proto', key: 7 },
  protocol: { type: 'inet_proto', key: 10 },
  label: { type: 'ct_label', key: 13 },
  packets: { type: 'integer64', key: 14 },
  bytes: { type: 'integer64', key: 15 },
  avgpkt: { type: 'integer64', key: 16 },
  zone: { type: 'integer16', key: 17 },
  id: { type: 'integer32be', key: 23 },
  'original protocol': { type: 'inet_proto', key: 10 },
  'original ip saddr': { type: 'ipv4_addr', key: 19, direction: 0 },
  'original ip daddr': { type: 'ipv4_addr', key: 20, direction: 0 },
  'original ip6 saddr': { type: 'ipv6_addr', key: 21, direction: 0 },
  'original ip6 daddr': { type: 'ipv6_addr', key: 22, direction: 0 },
  'original proto-src': { type: 'inet_service', key: 11, direction: 0 },
  'original proto-dst': { type: 'inet_service', key: 12, direction: 0 },
  'original packets': { type: 'integer64', key: 14, direction: 0 },
  'original bytes': { type: 'integer64', key: 15, direction: 0 },
  'original avgpkt': { type: 'integer64', key: 16, direction: 0 },
  'original zone': { type: 'integer16', key: 17, direction: 0 },
  'reply ip saddr': { type: 'ipv4_addr', key: 19, direction: 1 },
  'reply ip daddr': { type: 'ipv4_addr', key: 20, direction: 1 },
  'reply ip6 saddr': { type: 'ipv6_addr', key: 21, direction: 1 },
  'reply ip6 daddr': { type: 'ipv6_addr', key: 22, direction: 1 },
  'reply proto-src': { type: 'inet_service', key: 11, direction: 1 },
  'reply proto-dst': { type: 'inet_service', key: 12, direction: 1 },
  'reply packets': { type: 'integer64', key: 14, direction: 1 },
  'reply bytes': { type: 'integer64', key: 15, direction: 1 },
  'reply avgpkt': { type: 'integer64', key: 16, direction: 1 },
  'reply zone': { type: 'integer16', key: 17, direction: 1 },
});

/** `original ip daddr` and so on are the tuple before NAT. */
export type CtKey = keyof typeof CT;

/** What the route of a packet says; numbers are enum nft_rt_keys, names nft(8), ROUTING EXPRESSIONS. */
export const RT = keys({
  classid: { type: 'realm', key: 0 },
  'ip nexthop': { type: 'ipv4_addr', key: 1 },
  'ip6 nexthop': { type: 'ipv6_addr', key: 2 },
  mtu: { type: 'integer16', key: 3 },
  ipsec: { type: 'boolean', key: 4 },
});

export type RtKey = keyof typeof RT;

/** What is known of the local socket a packet belongs to; numbers are enum nft_socket_keys. */
export const SOCKET = keys({
  transparent: { type: 'bit', key: 0 },
  mark: { type: 'mark', key: 1 },
  wildcard: { type: 'bit', key: 2 },
  cgroupv2: { type: 'cgroupsv2', key: 3 },
});

export type SocketKey = keyof typeof SOCKET;
