import { prefixBounds, TYPES, type ValueType } from './data-type.ts';
import { lookupElement } from './element-lookup.ts';
import { CT, FIELDS, META, setNamed, typesOf } from './expression-type.ts';
import { formatExpression, leftType } from './format-expression.ts';
import type {
  CtKey,
  DataType,
  Expression,
  MetaKey,
  PayloadField,
  SetElement,
  Statement,
  Table,
  Value,
} from './model.ts';
import { encodeBounds, encodeValue } from './value.ts';
import type { InterpretOptions, VirtualPacket } from './virtual-packet.ts';

export interface EvaluationContext {
  readonly table: Table;
  readonly packet: VirtualPacket;
  /** The packet as it entered the hook, for the connection's original tuple. */
  readonly entered: VirtualPacket;
  readonly options: InterpretOptions;
  /** Is told what of a rule the virtual packet gives no answer to; such a match fails. */
  readonly cannotTell?: (what: string) => void;
}

type Raw = string | number | undefined;

const isV6 = (packet: VirtualPacket): boolean => packet.saddr.includes(':');

/** Header fields that a packet has; undefined where it has none, and then the rule does not match. */
const PAYLOAD: Readonly<Partial<Record<PayloadField, (p: VirtualPacket) => Raw>>> = {
  'ether saddr': (p) => p.etherSource,
  'ether daddr': (p) => p.etherDestination,
  'ether type': (p) => (isV6(p) ? 'ip6' : 'ip'),
  'arp operation': () => undefined,
  'arp saddr ether': () => undefined,
  'arp saddr ip': () => undefined,
  'arp daddr ip': () => undefined,
  'ip saddr': (p) => (isV6(p) ? undefined : p.saddr),
  'ip daddr': (p) => (isV6(p) ? undefined : p.daddr),
  'ip protocol': (p) => (isV6(p) ? undefined : p.protocol),
  'ip ttl': (p) => (isV6(p) ? undefined : (p.ttl ?? 64)),
  'ip6 saddr': (p) => (isV6(p) ? p.saddr : undefined),
  'ip6 daddr': (p) => (isV6(p) ? p.daddr : undefined),
  'ip6 nexthdr': (p) => (isV6(p) ? p.protocol : undefined),
  'th sport': (p) => p.sport,
  'th dport': (p) => p.dport,
  'tcp flags': (p) => (p.protocol === 'tcp' ? bitsOf('tcp_flag', p.tcpFlags ?? ['syn']) : undefined),
  'icmp type': (p) => (p.protocol === 'icmp' ? (p.icmpType ?? 'echo-request') : undefined),
  'icmpv6 type': (p) => (p.protocol === 'icmpv6' ? (p.icmpType ?? 'echo-request') : undefined),
};

const META_VALUES: Readonly<Partial<Record<MetaKey, (p: VirtualPacket) => Raw>>> = {
  mark: (p) => p.mark ?? 0,
  l4proto: (p) => p.protocol,
  iifname: (p) => p.iifname ?? '',
  oifname: (p) => p.oifname ?? '',
  iif: (p) => (p.iifname === 'lo' ? 1 : 0),
  oif: (p) => (p.oifname === 'lo' ? 1 : 0),
  nfproto: (p) => (isV6(p) ? 'ipv6' : 'ipv4'),
  pkttype: () => 'host',
  skuid: (p) => p.skuid,
  protocol: (p) => (isV6(p) ? 'ip6' : 'ip'),
  length: (p) => p.length ?? 60,
};

const CT_VALUES: Readonly<Partial<Record<CtKey, (p: VirtualPacket, entered: VirtualPacket) => Raw>>> = {
  state: (p) => p.ct?.state ?? 'new',
  status: (p) => bitsOf('ct_status', p.ct?.status ?? []),
  mark: (p) => p.ct?.mark ?? 0,
  direction: (p) => p.ct?.direction ?? 'original',
  'original ip saddr': (p, e) => p.ct?.original?.saddr ?? e.saddr,
  'original ip daddr': (p, e) => p.ct?.original?.daddr ?? e.daddr,
  'original protocol': (p, e) => p.ct?.original?.protocol ?? e.protocol,
  'original proto-dst': (p, e) => (p.ct?.original ? p.ct.original.dport : e.dport),
};

function bitsOf(type: ValueType, names: readonly string[]): number {
  return names.reduce((all, name) => all | TYPES[type].encode(name).readUIntLE(0, TYPES[type].length), 0);
}

/** An empty interface name is all zero bytes and equals no name. */
function encodeRaw(type: ValueType, raw: Raw): Buffer | undefined {
  if (raw === undefined) return undefined;
  return type === 'ifname' && raw === '' ? Buffer.alloc(16) : TYPES[type].encode(raw);
}

/** The parts of an expression's value, or undefined when the packet has no such field or a map no such key. */
export function evaluate(expression: Expression, context: EvaluationContext, type?: ValueType): Buffer[] | undefined {
  const { packet, entered, table, options } = context;
  const single = (kind: ValueType, raw: Raw) => {
    const bytes = encodeRaw(kind, raw);
    return bytes && [bytes];
  };
  const known = <T>(found: T | undefined): T | undefined => {
    if (!found) context.cannotTell?.(formatExpression(expression, table));
    return found;
  };
  switch (expression.kind) {
    case 'value':
      return [encodeValue(type ?? 'mark', expression.value)];
    case 'payload':
      return single(FIELDS[expression.field].type, known(PAYLOAD[expression.field])?.(packet));
    case 'meta':
      return single(META[expression.key].type, known(META_VALUES[expression.key])?.(packet));
    case 'ct':
      return single(CT[expression.key].type, known(CT_VALUES[expression.key])?.(packet, entered));
    case 'fib':
      return single(typesOf(expression, table)?.[0] ?? 'mark', fibAnswer(expression, context));
    case 'numgen':
    case 'jhash':
      return [TYPES.mark.encode((options.choose?.(expression.modulus) ?? 0) + (expression.offset ?? 0))];
    case 'concat':
      return evaluateAll(expression.parts, context);
    case 'map':
      return evaluateMap(expression, context);
    case 'bitwise': {
      const [value] = evaluate(expression.of, context) ?? [];
      return value && [TYPES.mark.encode(((value.readUInt32LE(0) & expression.mask) ^ expression.xor) >>> 0)];
    }
    default:
      return known<Buffer[]>(undefined);
  }
}

function fibAnswer(
  { flags, result }: Extract<Expression, { kind: 'fib' }>,
  { packet, options }: EvaluationContext,
): Raw {
  const answer = options.fib?.({ flags, result }, packet);
  return answer ?? (result === 'type' ? 'unicast' : result === 'oif' ? 0 : '');
}

function evaluateAll(parts: readonly Expression[], context: EvaluationContext): Buffer[] | undefined {
  const values = parts.map((part) => evaluate(part, context));
  return values.every((value) => value !== undefined) ? values.flat() : undefined;
}

function evaluateMap(
  { key, map }: Extract<Expression, { kind: 'map' }>,
  context: EvaluationContext,
): Buffer[] | undefined {
  const element = findElement(map, key, context);
  const types = setNamed(context.table, map).data;
  if (!element?.data || 'kind' in element.data || !types || types === 'verdict') return undefined;
  return element.data.map((value, i) => encodeValue(types[i] as DataType, value));
}

/** The element of a set of this table that holds the key. */
export function findElement(name: string, key: Expression, context: EvaluationContext): SetElement | undefined {
  const set = setNamed(context.table, name);
  const value = evaluate(key, context);
  return value && lookupElement(set, value, context.options.dynamicElements?.(context.table.name, name) ?? []);
}

/** Whether a match holds. */
export function matches(
  { left, op, right }: Extract<Statement, { kind: 'match' }>,
  context: EvaluationContext,
): boolean {
  if (left.kind === 'fib' && (right === 'exists' || right === 'missing')) {
    const exists = context.options.fib?.({ flags: left.flags, result: left.result }, context.packet) !== undefined;
    return (exists === (right === 'exists')) === (op !== '!=');
  }
  const type = leftType(left, context.table);
  const [value] = evaluate(left, context) ?? [];
  if (!value) return false;
  const list = Array.isArray(right) ? (right as readonly Value[]) : [right as Value];
  if (TYPES[type].flags) return list.some((flag) => sharesBit(value, encodeValue(type, flag))) === (op !== '!=');
  if (op === '==' || op === '!=') return list.some((one) => holds(type, one, value)) === (op === '==');
  return ordered(type, value, { op, right: list[0] ?? 0 });
}

const sharesBit = (a: Buffer, b: Buffer): boolean => a.some((byte, i) => (byte & (b[i] ?? 0)) !== 0);

function holds(type: ValueType, wanted: Value, value: Buffer): boolean {
  if (type === 'ifname' && typeof wanted === 'string' && wanted.endsWith('*'))
    return value.toString().startsWith(wanted.slice(0, -1));
  if (typeof wanted === 'string' && wanted.includes('/') && prefixBounds(wanted)?.from.length !== value.length)
    return false;
  const { from, to } = encodeBounds(type, wanted);
  return Buffer.compare(from, value) <= 0 && Buffer.compare(value, to) <= 0;
}

function ordered(
  type: ValueType,
  value: Buffer,
  { op, right }: { op: '<' | '<=' | '>' | '>='; right: Value },
): boolean {
  const big = (bytes: Buffer) => (TYPES[type].order === 'host' ? Buffer.from(bytes).reverse() : bytes);
  const sign = Buffer.compare(big(value), big(encodeValue(type, right)));
  return op === '<' ? sign < 0 : op === '<=' ? sign <= 0 : op === '>' ? sign > 0 : sign >= 0;
}
