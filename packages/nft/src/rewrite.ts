import { TYPES } from './data-type.ts';
import { type EvaluationContext, evaluate } from './evaluate.ts';
import { FIELDS } from './header-field.ts';
import type { PayloadField, Statement } from './model.ts';
import type { VirtualPacket } from './virtual-packet.ts';

/**
 * The packet after a statement that writes to it or to its connection; undefined: the rule ends there, for what was to be
 * written is not to be had; 'unknown': the virtual packet has no place for it.
 */
export function rewritten(statement: Statement, context: EvaluationContext): VirtualPacket | undefined | 'unknown' {
  const { packet } = context;
  switch (statement.kind) {
    case 'set-mark':
    case 'set-ct-mark': {
      const [value] = evaluate(statement.to, context, 'mark') ?? [];
      if (!value) return undefined;
      const mark = value.readUInt32LE(0);
      return statement.kind === 'set-mark' ? { ...packet, mark } : { ...packet, ct: { ...packet.ct, mark } };
    }
    case 'set-meta': {
      if (statement.key === 'nftrace' || statement.key === 'rtclassid') return packet;
      if (statement.key === 'pkttype') return 'unknown';
      const [value] = evaluate(statement.to, context, 'classid') ?? [];
      return value && { ...packet, priority: value.readUInt32LE(0) };
    }
    case 'notrack':
      return isTracked(packet) ? packet : { ...packet, ct: { state: 'untracked' } };
    case 'set-payload':
      return setPayload(statement, context);
    default:
      return 'unknown';
  }
}

/** Once a packet belongs to a connection, notrack comes too late. */
const isTracked = ({ ct }: VirtualPacket): boolean => ct?.original !== undefined && ct.state !== 'invalid';

const WRITABLE: Readonly<Partial<Record<PayloadField, keyof VirtualPacket>>> = {
  ...{ 'ip saddr': 'saddr', 'ip daddr': 'daddr', 'ip6 saddr': 'saddr', 'ip6 daddr': 'daddr', 'ip ttl': 'ttl' },
  ...{ 'ip6 hoplimit': 'ttl', 'th sport': 'sport', 'th dport': 'dport', 'tcp sport': 'sport', 'tcp dport': 'dport' },
  ...{ 'udp sport': 'sport', 'udp dport': 'dport' },
};

function setPayload(
  { field, to }: Extract<Statement, { kind: 'set-payload' }>,
  context: EvaluationContext,
): VirtualPacket | undefined | 'unknown' {
  const { packet } = context;
  const { type } = FIELDS[field];
  const [bytes] = evaluate(to, context, type) ?? [];
  if (!bytes) return undefined;
  if (field === 'ip dscp' || field === 'ip6 dscp') return { ...packet, dscp: bytes[0] ?? 0 };
  const property = WRITABLE[field];
  return property === undefined ? 'unknown' : { ...packet, [property]: TYPES[type].decode(bytes) };
}
