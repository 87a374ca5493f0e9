import { TYPES, type ValueType } from './data-type.ts';
import { nftError } from './errors.ts';
import type { CtKey, DataType, Expression, MetaKey, NamedSet, PayloadField, Table } from './model.ts';

/** Where a header field lies and what must be known of the packet before it may be read. */
export interface FieldInfo {
  readonly type: ValueType;
  readonly base: 'link' | 'network' | 'transport';
  readonly offset: number;
  readonly needs?: 'ether' | 'ipv4' | 'ipv6' | 'arp' | 'tcp' | 'icmp' | 'icmpv6';
  /** nft syntax where it is not the field's name. */
  readonly text?: string;
}

export const FIELDS: Readonly<Record<PayloadField, FieldInfo>> = {
  'ether daddr': { type: 'ether_addr', base: 'link', offset: 0, needs: 'ether' },
  'ether saddr': { type: 'ether_addr', base: 'link', offset: 6, needs: 'ether' },
  'ether type': { type: 'ether_type', base: 'link', offset: 12, needs: 'ether' },
  'arp operation': { type: 'arp_op', base: 'network', offset: 6, needs: 'arp' },
  'arp saddr ether': { type: 'ether_addr', base: 'network', offset: 8, needs: 'arp' },
  'arp saddr ip': { type: 'ipv4_addr', base: 'network', offset: 14, needs: 'arp' },
  'arp daddr ip': { type: 'ipv4_addr', base: 'network', offset: 24, needs: 'arp' },
  'ip saddr': { type: 'ipv4_addr', base: 'network', offset: 12, needs: 'ipv4' },
  'ip daddr': { type: 'ipv4_addr', base: 'network', offset: 16, needs: 'ipv4' },
  'ip protocol': { type: 'inet_proto', base: 'network', offset: 9, needs: 'ipv4' },
  'ip ttl': { type: 'integer8', base: 'network', offset: 8, needs: 'ipv4' },
  'ip6 saddr': { type: 'ipv6_addr', base: 'network', offset: 8, needs: 'ipv6' },
  'ip6 daddr': { type: 'ipv6_addr', base: 'network', offset: 24, needs: 'ipv6' },
  'ip6 nexthdr': { type: 'inet_proto', base: 'network', offset: 6, needs: 'ipv6' },
  'th sport': { type: 'inet_service', base: 'transport', offset: 0 },
  'th dport': { type: 'inet_service', base: 'transport', offset: 2 },
  'tcp flags': { type: 'tcp_flag', base: 'transport', offset: 13, needs: 'tcp' },
  'icmp type': { type: 'icmp_type', base: 'transport', offset: 0, needs: 'icmp' },
  'icmpv6 type': { type: 'icmpv6_type', base: 'transport', offset: 0, needs: 'icmpv6' },
};

/** `key` is the kernel's number: enum nft_meta_keys. */
export const META: Readonly<Record<MetaKey, { readonly type: ValueType; readonly key: number }>> = {
  length: { type: 'integer32', key: 0 },
  protocol: { type: 'ether_type', key: 1 },
  mark: { type: 'mark', key: 3 },
  iif: { type: 'iface_index', key: 4 },
  oif: { type: 'iface_index', key: 5 },
  iifname: { type: 'ifname', key: 6 },
  oifname: { type: 'ifname', key: 7 },
  skuid: { type: 'uid', key: 10 },
  nfproto: { type: 'nfproto', key: 15 },
  l4proto: { type: 'inet_proto', key: 16 },
  pkttype: { type: 'pkt_type', key: 19 },
};

/** `key` is the kernel's number: enum nft_ct_keys; direction 0 is the tuple before NAT. */
export const CT: Readonly<Record<CtKey, { readonly type: ValueType; readonly key: number; readonly direction?: 0 }>> = {
  state: { type: 'ct_state', key: 0 },
  direction: { type: 'ct_dir', key: 1 },
  status: { type: 'ct_status', key: 2 },
  mark: { type: 'mark', key: 3 },
  'original ip saddr': { type: 'ipv4_addr', key: 19, direction: 0 },
  'original ip daddr': { type: 'ipv4_addr', key: 20, direction: 0 },
  'original protocol': { type: 'inet_proto', key: 10 },
  'original proto-dst': { type: 'inet_service', key: 12, direction: 0 },
};

const FIB_TYPES = { type: 'fib_addrtype', oif: 'iface_index', oifname: 'ifname' } as const;

export function setNamed(table: Table, name: string): NamedSet {
  const set = table.sets.find((s) => s.name === name);
  if (!set) throw nftError('NFT_BAD_RULESET', `table ${table.name} has no set or map "${name}", but a rule uses it`);
  return set;
}

/** The types an expression yields: one, or one per part of a concatenation; undefined for a bare constant. */
export function typesOf(expression: Expression, table: Table): readonly ValueType[] | undefined {
  switch (expression.kind) {
    case 'value':
      return undefined;
    case 'payload':
      return [FIELDS[expression.field].type];
    case 'meta':
      return [META[expression.key].type];
    case 'ct':
      return [CT[expression.key].type];
    case 'fib':
      return [FIB_TYPES[expression.result]];
    case 'numgen':
    case 'jhash':
      return ['integer32'];
    case 'concat':
      return expression.parts.flatMap((part) => typesOf(part, table) ?? []);
    case 'map':
      return mapDataTypes(setNamed(table, expression.map));
    case 'bitwise':
      return typesOf(expression.of, table);
  }
}

function mapDataTypes(map: NamedSet): readonly DataType[] {
  if (map.data === undefined || map.data === 'verdict') {
    throw nftError('NFT_BAD_RULESET', `"${map.name}" is used as a map, but is a ${map.data ? 'verdict map' : 'set'}`);
  }
  return map.data;
}

/** The length in bytes of what the expression leaves in registers. */
export function lengthOf(types: readonly ValueType[]): number {
  if (types.length === 1) return TYPES[types[0] as ValueType].length;
  return types.reduce((all, type) => all + ((TYPES[type].length + 3) & ~3), 0);
}

/** A map yields an address alone, or an address and a port. */
export function yieldsPort(expression: Expression, table: Table): boolean {
  return (typesOf(expression, table)?.length ?? 1) > 1;
}
