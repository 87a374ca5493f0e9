import { TYPES, type ValueType } from './data-type.ts';
import { type EvaluationContext, evaluate } from './evaluate.ts';
import { formatStatement } from './format-statement.ts';
import type { Expression, Statement } from './model.ts';
import { type Bounds, encodeBounds } from './value.ts';
import type { VirtualPacket } from './virtual-packet.ts';

type StatementOf<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/** The packet after address translation; undefined: there is no translation to be had, and the rule ends. */
export function translated(
  statement: StatementOf<'dnat' | 'snat' | 'masquerade' | 'redirect'>,
  context: EvaluationContext,
): VirtualPacket | undefined {
  switch (statement.kind) {
    case 'dnat':
    case 'snat':
      return toAddress(statement, context);
    case 'masquerade':
    case 'redirect':
      return toInterface(statement, context);
  }
}

/** masquerade takes the address of the interface for the source, redirect for the destination. */
function toInterface(
  statement: StatementOf<'masquerade' | 'redirect'>,
  context: EvaluationContext,
): VirtualPacket | undefined {
  const { packet, options } = context;
  const address = options.interfaceAddress;
  const old = statement.kind === 'masquerade' ? packet.sport : packet.dport;
  const number = statement.port === undefined ? undefined : encodeBounds('inet_service', statement.port);
  const port = number && portWithin(number, old, { statement, context });
  return statement.kind === 'masquerade'
    ? { ...packet, ...(address !== undefined && { saddr: address }), ...(port !== undefined && { sport: port }) }
    : { ...packet, ...(address !== undefined && { daddr: address }), ...(port !== undefined && { dport: port }) };
}

function toAddress(statement: StatementOf<'dnat' | 'snat'>, context: EvaluationContext): VirtualPacket | undefined {
  const { kind, family, to, port } = statement;
  const { packet } = context;
  const type = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const found = boundsOf(to, type, context);
  if (!found) return undefined;
  const old = kind === 'dnat' ? packet.daddr : packet.saddr;
  const bytes = statement.prefix ? inNetwork(found.bounds, TYPES[type].encode(old)) : found.bounds.from;
  if (!statement.prefix && !found.bounds.from.equals(found.bounds.to))
    context.cannotTell?.(formatStatement(statement, context.table));
  const address = String(TYPES[type].decode(bytes));
  const ports = port ? boundsOf(port, 'inet_service', context)?.bounds : found.port;
  if (port && !ports) return undefined;
  const number = ports && portWithin(ports, kind === 'dnat' ? packet.dport : packet.sport, { statement, context });
  return kind === 'dnat'
    ? { ...packet, daddr: address, ...(number !== undefined && { dport: number }) }
    : { ...packet, saddr: address, ...(number !== undefined && { sport: number }) };
}

/** What an expression yields for a translation; a map may yield an address and a port. */
function boundsOf(
  expression: Expression,
  type: ValueType,
  context: EvaluationContext,
): { readonly bounds: Bounds; readonly port?: Bounds } | undefined {
  if (expression.kind === 'value') return { bounds: encodeBounds(type, expression.value) };
  const [first, second] = evaluate(expression, context, type) ?? [];
  if (!first) return undefined;
  return { bounds: { from: first, to: first }, ...(second && { port: { from: second, to: second } }) };
}

/** The network's bits of the new prefix, the host's bits of the old address. */
function inNetwork({ from, to }: Bounds, old: Buffer): Buffer {
  return Buffer.from(from.map((byte, i) => (byte & ~(byte ^ (to[i] ?? 0))) | ((old[i] ?? 0) & (byte ^ (to[i] ?? 0)))));
}

/** A port of the range stays; which other one the kernel takes nobody can tell. */
function portWithin(
  { from, to }: Bounds,
  old: number | undefined,
  { statement, context }: { readonly statement: Statement; readonly context: EvaluationContext },
): number {
  const [first, last] = [from.readUInt16BE(0), to.readUInt16BE(0)];
  if (first !== last && old !== undefined && old >= first && old <= last) return old;
  if (first !== last) context.cannotTell?.(formatStatement(statement, context.table));
  return first;
}
