import { prefixBounds, TYPES, type ValueType } from './data-type.ts';
import { alignWord, type ExpressionWriter, register, wordsOf } from './encode-expression.ts';
import { nftError } from './errors.ts';
import { setNamed, yieldsPort } from './expression-type.ts';
import type { Expression, NatFlags, Ports, Statement, Value } from './model.ts';
import { encodeBounds, encodeValue, isInterval } from './value.ts';

type StatementOf<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/** NF_NAT_RANGE_* */
const FLAG = { ports: 2, random: 4, persistent: 8, fullyRandom: 16, netmap: 64 } as const;
const FAMILY = { ip: 2, ip6: 10, inet: 0 } as const;

function flagsOf({ random, fullyRandom, persistent }: NatFlags): number {
  return (random ? FLAG.random : 0) | (persistent ? FLAG.persistent : 0) | (fullyRandom ? FLAG.fullyRandom : 0);
}

/** First and last word of what was loaded; the same for a single value. */
interface Words {
  readonly from: number;
  readonly to: number;
}

/** Loads a value, or both ends of a constant range, into words that begin where the kernel's registers do. */
function loadRange(writer: ExpressionWriter, { to, type }: { to: Expression; type: ValueType }, word: number): Words {
  const step = TYPES[type].length > 4 ? 4 : 1;
  if (to.kind !== 'value' || !isInterval(to.value)) {
    writer.load(to, word, type);
    return { from: word, to: word };
  }
  const { from, to: last } = boundsOf(type, to.value);
  writer.constant(word, from);
  writer.constant(word + step, last);
  return { from: word, to: word + step };
}

function boundsOf(type: ValueType, value: Value): { from: Buffer; to: Buffer } {
  if (typeof value === 'string' && prefixBounds(value)?.from.length !== TYPES[type].length)
    throw nftError('NFT_BAD_VALUE', `${JSON.stringify(value)} is not a prefix of ${type}`);
  return encodeBounds(type, value);
}

/** NFTA_NAT_* */
export function writeNat(writer: ExpressionWriter, statement: StatementOf<'dnat' | 'snat'>): void {
  const { kind, family, to, port, withPort, prefix } = statement;
  const type = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const size = wordsOf(TYPES[type].length);
  const address = loadRange(writer, { to, type }, 0);
  const mapped = prefix && mapsIntervals(writer, to);
  const last = mapped ? size : address.to;
  const behind = alignWord(last + size);
  const ports = port
    ? loadRange(writer, { to: port, type: 'inet_service' }, behind)
    : withPort || yieldsPort(to, writer.table)
      ? { from: size, to: size }
      : undefined;
  const flags = flagsOf(statement) | (port ? FLAG.ports : 0) | (prefix ? FLAG.netmap : 0);
  writer.emit('nat', (out) => {
    out
      .u32(1, kind === 'dnat' ? 1 : 0)
      .u32(2, FAMILY[family])
      .u32(3, register(address.from));
    if (last !== address.from) out.u32(4, register(last));
    if (ports) out.u32(5, register(ports.from));
    if (ports && ports.to !== ports.from) out.u32(6, register(ports.to));
    if (flags) out.u32(7, flags);
  });
}

/** Maps whose data are ranges yield two addresses. */
function mapsIntervals(writer: ExpressionWriter, to: Expression): boolean {
  if (to.kind === 'map') return setNamed(writer.table, to.map).dataInterval === true;
  return to.kind === 'anonymous-map';
}

/** NFTA_MASQ_*, NFTA_REDIR_*: the same, numbered differently. */
export function writeInterfaceNat(writer: ExpressionWriter, statement: StatementOf<'masquerade' | 'redirect'>): void {
  const { kind, port } = statement;
  const number = kind === 'masquerade' ? { flags: 1, min: 2, max: 3 } : { flags: 3, min: 1, max: 2 };
  const words = port === undefined ? undefined : loadRange(writer, portsOf(port), 0);
  const flags = flagsOf(statement) | (words ? FLAG.ports : 0);
  writer.emit(kind === 'masquerade' ? 'masq' : 'redir', (out) => {
    if (words) out.u32(number.min, register(words.from));
    if (words && words.to !== words.from) out.u32(number.max, register(words.to));
    if (flags) out.u32(number.flags, flags);
  });
}

const portsOf = (value: Ports): { to: Expression; type: ValueType } => ({
  to: { kind: 'value', value },
  type: 'inet_service',
});

/** NFTA_TPROXY_* */
export function writeTproxy(writer: ExpressionWriter, { family, address, port }: StatementOf<'tproxy'>): void {
  if (address !== undefined && family === 'inet')
    throw nftError('NFT_BAD_RULESET', 'tproxy with an address needs family ip or ip6');
  if (address !== undefined) writer.constant(0, encodeValue(family === 'ip' ? 'ipv4_addr' : 'ipv6_addr', address));
  const portWord = address === undefined ? 0 : 4;
  writer.constant(portWord, encodeValue('inet_service', port));
  writer.emit('tproxy', (out) => {
    out.u32(1, FAMILY[family]);
    if (address !== undefined) out.u32(2, register(0));
    out.u32(3, register(portWord));
  });
}
