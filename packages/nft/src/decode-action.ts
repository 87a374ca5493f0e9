import { NFPROTO } from '@podwire/kernel/nfnetlink';
import { type InstructionOf, type KnownExpression, wordOf } from './bytecode.ts';
import { TYPES, type ValueType } from './data-type.ts';
import { decodeConstant, expressionOf, readingOf } from './decode-term.ts';
import type { Expression, NatFlags, Ports, Statement, TableFamily, Value } from './model.ts';
import type { ProtocolContext } from './protocol-context.ts';
import type { RegisterFile } from './register-file.ts';
import { Inexpressible, type Term } from './term.ts';
import { decodeBounds } from './value.ts';

export interface ActionContext {
  readonly family: TableFamily;
  readonly registers: RegisterFile;
  readonly protocols: ProtocolContext;
}

/** A term as something that is assigned: a constant of `type`, or what was read and computed. */
export function assigned(term: Term, type: ValueType, protocols: ProtocolContext, trailing = 0): Expression {
  if (term.source.kind === 'constant')
    return { kind: 'value', value: decodeConstant(type, term.source.bytes, trailing) };
  const reading = readingOf(term, protocols);
  if (reading.trailing > 0) throw new Inexpressible('part of a byte where it lies');
  return expressionOf(reading);
}

/** The two ends of a range of constants; equal ends are one value, without a second register there is one end. */
function bounds(low: Term, high: Term | undefined, type: ValueType): Value | undefined {
  if (low.source.kind !== 'constant' || (high && high.source.kind !== 'constant')) return undefined;
  const from = low.source.bytes;
  const to = high?.source.kind === 'constant' ? high.source.bytes : from;
  if (from.equals(to)) return decodeConstant(type, from);
  return { from: decodeConstant(type, from), to: decodeConstant(type, to) };
}

/** Statements that read registers and act. */
export function actionOf(instruction: KnownExpression, context: ActionContext): Statement | undefined {
  switch (instruction.name) {
    case 'nat':
      return nat(instruction, context);
    case 'masq':
    case 'redir':
      return toInterface(instruction, context);
    case 'tproxy':
      return tproxy(instruction, context);
    case 'queue':
      return queue(instruction, context);
    case 'dup':
    case 'fwd':
      return copy(instruction, context);
    default:
      return undefined;
  }
}

function natFlags(flags: readonly (string | number)[] = []): NatFlags {
  return {
    ...(flags.includes('random') && { random: true }),
    ...(flags.includes('fully-random') && { fullyRandom: true }),
    ...(flags.includes('persistent') && { persistent: true }),
  };
}

function nat({ data }: InstructionOf<'nat'>, context: ActionContext): Statement {
  const { type, addressMin, portMin, portMax, flags } = data;
  const family = data.family === NFPROTO.ip6 ? 'ip6' : data.family === NFPROTO.ip ? 'ip' : undefined;
  if ((type !== 'dnat' && type !== 'snat') || !family || addressMin === undefined)
    throw new Inexpressible('a translation of ports alone');
  const { registers } = context;
  const prefix = flags?.includes('netmap') ?? false;
  const inMap = portMin !== undefined && registers.continues(wordOf(portMin), wordOf(addressMin));
  const port = portMin === undefined || inMap ? undefined : portExpression(portMin, portMax, context);
  return {
    kind: type,
    family,
    to: natAddress(data, family === 'ip' ? 'ipv4_addr' : 'ipv6_addr', context),
    ...(port && { port }),
    ...(prefix && { prefix }),
    ...natFlags(flags),
  };
}

function natAddress(
  { addressMin, addressMax, flags }: InstructionOf<'nat'>['data'],
  type: 'ipv4_addr' | 'ipv6_addr',
  { registers, protocols }: ActionContext,
): Expression {
  const [first, last] = [wordOf(addressMin), wordOf(addressMax)];
  const low = registers.read(first);
  const single = last === undefined || last === first;
  const high = single || registers.continues(last, first) ? undefined : registers.read(last);
  const range = bounds(low, high, type);
  if (range === undefined) {
    if (high) throw new Inexpressible('a range of addresses that are not constant');
    return assigned(low, type, protocols);
  }
  if (!flags?.includes('netmap') || typeof range !== 'object') return { kind: 'value', value: range };
  const value = decodeBounds(type, { from: TYPES[type].encode(range.from), to: TYPES[type].encode(range.to) });
  return { kind: 'value', value };
}

function portExpression(min: number, max: number | undefined, { registers, protocols }: ActionContext): Expression {
  const low = registers.read(wordOf(min));
  const high = max === undefined || max === min ? undefined : registers.read(wordOf(max));
  const range = bounds(low, high, 'inet_service');
  if (range !== undefined) return { kind: 'value', value: range };
  if (high) throw new Inexpressible('a range of ports that are not constant');
  return assigned(low, 'inet_service', protocols);
}

function toInterface(
  { name, data: { portMin, portMax, flags } }: InstructionOf<'masq' | 'redir'>,
  context: ActionContext,
): Statement {
  const port = portMin === undefined ? undefined : portExpression(portMin, portMax, context);
  if (port && port.kind !== 'value') throw new Inexpressible('a port that is not constant');
  const kind = name === 'masq' ? 'masquerade' : 'redirect';
  return { kind, ...(port && { port: port.value as Ports }), ...natFlags(flags) };
}

function tproxy({ data }: InstructionOf<'tproxy'>, { registers }: ActionContext): Statement {
  const family = data.family === NFPROTO.ip ? 'ip' : data.family === NFPROTO.ip6 ? 'ip6' : 'inet';
  const port =
    data.port === undefined ? undefined : bounds(registers.read(wordOf(data.port)), undefined, 'inet_service');
  const type = family === 'ip6' ? 'ipv6_addr' : 'ipv4_addr';
  const address =
    data.address === undefined ? undefined : bounds(registers.read(wordOf(data.address)), undefined, type);
  if (typeof port !== 'number' || (data.address !== undefined && typeof address !== 'string'))
    throw new Inexpressible('a proxy that is not constant');
  return { kind: 'tproxy', family, ...(typeof address === 'string' && { address }), port };
}

function queue({ data }: InstructionOf<'queue'>, { registers, protocols }: ActionContext): Statement {
  const { number = 0, total = 1, flags = [], sreg } = data;
  const to: Expression =
    sreg === undefined
      ? { kind: 'value', value: total > 1 ? { from: number, to: number + total - 1 } : number }
      : assigned(registers.read(wordOf(sreg)), 'integer16be', protocols);
  return {
    kind: 'queue',
    to,
    ...(flags.includes('bypass') && { bypass: true }),
    ...(flags.includes('fanout') && { fanout: true }),
  };
}

function copy(instruction: InstructionOf<'dup' | 'fwd'>, context: ActionContext): Statement {
  const { registers, protocols } = context;
  const { name, data } = instruction;
  const family =
    name === 'fwd' && data.address !== undefined ? (data.family === NFPROTO.ip6 ? 'ip6' : 'ip') : undefined;
  const addressType = (family ?? context.family) === 'ip6' ? 'ipv6_addr' : 'ipv4_addr';
  const value = (register: number | undefined, type: ValueType) =>
    register === undefined ? undefined : assigned(registers.read(wordOf(register)), type, protocols);
  const [to, device] = [value(data.address, addressType), value(data.device, 'iface_index')];
  if (name === 'dup') return { kind: 'dup', ...(to && { to }), ...(device && { device }) };
  if (!device) throw new Inexpressible('fwd without a device');
  return { kind: 'fwd', device, ...(to && { to }), ...(family && { family }) };
}
