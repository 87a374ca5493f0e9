import { TYPES, type ValueType } from './data-type.ts';
import { bitsAt, headersOf, isIpv6, messageType, protocolNumber, UNKNOWN } from './header-bytes.ts';
import type { HeaderNeed } from './header-field.ts';
import { FIELDS, type FieldInfo } from './header-field.ts';
import type { CtKey, Expression, MetaKey } from './model.ts';
import type { InterpretOptions, VirtualPacket } from './virtual-packet.ts';

/** Bytes, or that the packet has no such thing, or that nobody said. */
export type Read = Buffer | undefined | typeof UNKNOWN;
type Raw = string | number | undefined | typeof UNKNOWN;

/** A field of a header; undefined where the packet has no such header, and then the rule does not match. */
export function readPayload(
  expression: Extract<Expression, { kind: 'payload' | 'raw-payload' }>,
  packet: VirtualPacket,
): Read {
  if (expression.kind === 'raw-payload')
    return bitsAt(headersOf(packet)[expression.base], { offset: expression.offset, bits: expression.length });
  const field: FieldInfo = FIELDS[expression.field];
  if (field.needs && !hasHeader(packet, field.needs)) return undefined;
  if (field.messages && !field.messages.includes(messageType(packet))) return undefined;
  return bitsAt(headersOf(packet)[field.base], field);
}

function hasHeader(packet: VirtualPacket, need: HeaderNeed): boolean {
  switch (need) {
    case 'ether':
      return packet.iifname !== 'lo';
    case 'ipv4':
      return !isIpv6(packet);
    case 'ipv6':
      return isIpv6(packet);
    case 'arp':
    case 'vlan':
      return false;
    default:
      return protocolNumber(packet) === TYPES.inet_proto.encode(need)[0];
  }
}

/** What `meta` reads; a key without a row is unknown. */
const META_VALUES: Readonly<Partial<Record<MetaKey, (p: VirtualPacket, o: InterpretOptions) => Raw>>> = {
  mark: (p) => p.mark ?? 0,
  l4proto: (p) => protocolNumber(p),
  iifname: (p) => p.iifname ?? '',
  oifname: (p) => p.oifname ?? '',
  iif: (p, o) => linkIndex(p.iifname, o),
  oif: (p, o) => linkIndex(p.oifname, o),
  nfproto: (p) => (isIpv6(p) ? 'ipv6' : 'ipv4'),
  pkttype: (p) => p.packetType ?? 'host',
  skuid: (p) => p.skuid,
  skgid: (p) => p.skgid,
  protocol: (p) => (isIpv6(p) ? 'ip6' : 'ip'),
  length: (p) => p.length ?? 60,
  priority: (p) => p.priority ?? 0,
  nftrace: () => 0,
};

function linkIndex(name: string | undefined, options: InterpretOptions): Raw {
  if (name === undefined) return 0;
  return name === 'lo' ? 1 : (options.linkIndex?.(name) ?? UNKNOWN);
}

const CT_VALUES: Readonly<Partial<Record<CtKey, (p: VirtualPacket, entered: VirtualPacket) => Raw>>> = {
  state: (p) => p.ct?.state ?? 'new',
  status: (p) => bitsOf('ct_status', p.ct?.status ?? []),
  mark: (p) => p.ct?.mark ?? 0,
  direction: (p) => p.ct?.direction ?? 'original',
  protocol: (p) => protocolNumber(p),
  'original protocol': (p, e) => p.ct?.original?.protocol ?? e.protocol,
  'original ip saddr': (p, e) => (isIpv6(p) ? undefined : (p.ct?.original?.saddr ?? e.saddr)),
  'original ip daddr': (p, e) => (isIpv6(p) ? undefined : (p.ct?.original?.daddr ?? e.daddr)),
  'original ip6 saddr': (p, e) => (isIpv6(p) ? (p.ct?.original?.saddr ?? e.saddr) : undefined),
  'original ip6 daddr': (p, e) => (isIpv6(p) ? (p.ct?.original?.daddr ?? e.daddr) : undefined),
  'original proto-src': (p, e) => (p.ct?.original ? (p.ct.original.sport ?? UNKNOWN) : e.sport),
  'original proto-dst': (p, e) => (p.ct?.original ? p.ct.original.dport : e.dport),
};

function bitsOf(type: ValueType, names: readonly string[]): number {
  return names.reduce((all, name) => all | TYPES[type].encode(name).readUIntLE(0, TYPES[type].length), 0);
}

/** An empty interface name is all zero bytes and equals no name. */
export function encodeRaw(type: ValueType, raw: Raw): Read {
  if (raw === undefined || raw === UNKNOWN) return raw;
  return type === 'ifname' && raw === '' ? Buffer.alloc(16) : TYPES[type].encode(raw);
}

export function readMeta(key: MetaKey, type: ValueType, packet: VirtualPacket, options: InterpretOptions): Read {
  const row = META_VALUES[key];
  return row ? encodeRaw(type, row(packet, options)) : UNKNOWN;
}

/** Before connections are looked up there is only a state: invalid. */
export function readCt(key: CtKey, type: ValueType, packet: VirtualPacket, entered: VirtualPacket): Read {
  const row = CT_VALUES[key];
  const state = packet.ct?.state;
  if (key !== 'state' && (state === 'invalid' || state === 'untracked')) return undefined;
  return row ? encodeRaw(type, row(packet, entered)) : UNKNOWN;
}
