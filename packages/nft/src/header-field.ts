import type { ValueType } from './data-type.ts';

/** What must be known of a packet before a field of that header may be read. */
export type HeaderNeed =
  | 'ether'
  | 'vlan'
  | 'ipv4'
  | 'ipv6'
  | 'arp'
  | 'icmp'
  | 'icmpv6'
  | 'igmp'
  | 'tcp'
  | 'udp'
  | 'udplite'
  | 'sctp'
  | 'dccp'
  | 'esp'
  | 'ah'
  | 'comp';

/** Where a header field lies; offset and length in bits, as in the RFCs' pictures. */
export interface FieldInfo {
  readonly type: ValueType;
  readonly base: 'link' | 'network' | 'transport';
  readonly offset: number;
  readonly bits: number;
  readonly needs?: HeaderNeed;
  /** The header exists only in messages of these types: `icmp id` in echoes. */
  readonly messages?: readonly number[];
}

type Row = readonly [offset: number, bits: number, type: ValueType, messages?: readonly number[]];

function header<const K extends string>(
  base: FieldInfo['base'],
  needs: HeaderNeed | undefined,
  rows: Readonly<Record<K, Row>>,
): Readonly<Record<K, FieldInfo>> {
  const entries = (Object.entries(rows) as [K, Row][]).map(([name, [offset, bits, type, messages]]) => [
    name,
    { base, offset, bits, type, ...(needs && { needs }), ...(messages && { messages }) },
  ]);
  return Object.fromEntries(entries);
}

const ports = { sport: [0, 16, 'inet_service'], dport: [16, 16, 'inet_service'] } as const;
const [sport, dport] = [ports.sport, ports.dport];

/** Header fields by their name in nft (nft(8), PAYLOAD EXPRESSIONS). */
export const FIELDS = {
  ...header('link', 'ether', {
    'ether daddr': [0, 48, 'ether_addr'],
    'ether saddr': [48, 48, 'ether_addr'],
    'ether type': [96, 16, 'ether_type'],
  }),
  ...header('link', 'vlan', {
    'vlan pcp': [112, 3, 'integer8'],
    'vlan dei': [115, 1, 'bit'],
    'vlan id': [116, 12, 'integer16be'],
    'vlan type': [128, 16, 'ether_type'],
  }),
  ...header('network', 'arp', {
    'arp htype': [0, 16, 'integer16be'],
    'arp ptype': [16, 16, 'ether_type'],
    'arp hlen': [32, 8, 'integer8'],
    'arp plen': [40, 8, 'integer8'],
    'arp operation': [48, 16, 'arp_op'],
    'arp saddr ether': [64, 48, 'ether_addr'],
    'arp saddr ip': [112, 32, 'ipv4_addr'],
    'arp daddr ether': [144, 48, 'ether_addr'],
    'arp daddr ip': [192, 32, 'ipv4_addr'],
  }),
  ...header('network', 'ipv4', {
    'ip version': [0, 4, 'integer8'],
    'ip hdrlength': [4, 4, 'integer8'],
    'ip dscp': [8, 6, 'dscp'],
    'ip ecn': [14, 2, 'ecn'],
    'ip length': [16, 16, 'integer16be'],
    'ip id': [32, 16, 'integer16be'],
    'ip frag-off': [48, 16, 'integer16be'],
    'ip ttl': [64, 8, 'integer8'],
    'ip protocol': [72, 8, 'inet_proto'],
    'ip checksum': [80, 16, 'integer16be'],
    'ip saddr': [96, 32, 'ipv4_addr'],
    'ip daddr': [128, 32, 'ipv4_addr'],
  }),
  ...header('network', 'ipv6', {
    'ip6 version': [0, 4, 'integer8'],
    'ip6 dscp': [4, 6, 'dscp'],
    'ip6 ecn': [10, 2, 'ecn'],
    'ip6 flowlabel': [12, 20, 'integer24be'],
    'ip6 length': [32, 16, 'integer16be'],
    'ip6 nexthdr': [48, 8, 'inet_proto'],
    'ip6 hoplimit': [56, 8, 'integer8'],
    'ip6 saddr': [64, 128, 'ipv6_addr'],
    'ip6 daddr': [192, 128, 'ipv6_addr'],
  }),
  ...header('transport', undefined, { 'th sport': sport, 'th dport': dport }),
  ...header('transport', 'tcp', {
    'tcp sport': sport,
    'tcp dport': dport,
    'tcp sequence': [32, 32, 'integer32be'],
    'tcp ackseq': [64, 32, 'integer32be'],
    'tcp doff': [96, 4, 'integer8'],
    'tcp flags': [104, 8, 'tcp_flag'],
    'tcp window': [112, 16, 'integer16be'],
    'tcp checksum': [128, 16, 'integer16be'],
    'tcp urgptr': [144, 16, 'integer16be'],
  }),
  ...header('transport', 'udp', {
    'udp sport': sport,
    'udp dport': dport,
    'udp length': [32, 16, 'integer16be'],
    'udp checksum': [48, 16, 'integer16be'],
  }),
  ...header('transport', 'udplite', {
    'udplite sport': sport,
    'udplite dport': dport,
    'udplite checksum': [48, 16, 'integer16be'],
  }),
  ...header('transport', 'sctp', {
    'sctp sport': sport,
    'sctp dport': dport,
    'sctp vtag': [32, 32, 'integer32be'],
    'sctp checksum': [64, 32, 'integer32be'],
  }),
  ...header('transport', 'dccp', { 'dccp sport': sport, 'dccp dport': dport }),
  ...header('transport', 'icmp', {
    'icmp type': [0, 8, 'icmp_type'],
    'icmp code': [8, 8, 'icmp_code'],
    'icmp checksum': [16, 16, 'integer16be'],
    'icmp id': [32, 16, 'integer16be', [0, 8]],
    'icmp sequence': [48, 16, 'integer16be', [0, 8]],
    'icmp gateway': [32, 32, 'integer32be', [5]],
    'icmp mtu': [48, 16, 'integer16be', [3]],
  }),
  ...header('transport', 'icmpv6', {
    'icmpv6 type': [0, 8, 'icmpv6_type'],
    'icmpv6 code': [8, 8, 'icmpv6_code'],
    'icmpv6 checksum': [16, 16, 'integer16be'],
    'icmpv6 mtu': [32, 32, 'integer32be', [2]],
    'icmpv6 id': [32, 16, 'integer16be', [128, 129]],
    'icmpv6 sequence': [48, 16, 'integer16be', [128, 129]],
  }),
  ...header('transport', 'igmp', {
    'igmp type': [0, 8, 'igmp_type'],
    'igmp mrt': [8, 8, 'integer8'],
    'igmp checksum': [16, 16, 'integer16be'],
    'igmp group': [32, 32, 'integer32be'],
  }),
  ...header('transport', 'esp', { 'esp spi': [0, 32, 'integer32be'], 'esp sequence': [32, 32, 'integer32be'] }),
  ...header('transport', 'ah', {
    'ah nexthdr': [0, 8, 'inet_proto'],
    'ah hdrlength': [8, 8, 'integer8'],
    'ah spi': [32, 32, 'integer32be'],
    'ah sequence': [64, 32, 'integer32be'],
  }),
  ...header('transport', 'comp', {
    'comp nexthdr': [0, 8, 'inet_proto'],
    'comp flags': [8, 8, 'integer8'],
    'comp cpi': [16, 16, 'integer16be'],
  }),
} as const;

/** `ip saddr`, `tcp dport`, `vlan id`, ...; `th` is the transport header of whatever protocol. */
export type PayloadField = keyof typeof FIELDS;
