import type { InstructionOf, KnownExpression } from './bytecode.ts';
import { NAMES } from './constant-name.ts';
import type { ActionContext } from './decode-action.ts';
import { statefulOf } from './decode-state.ts';
import type { ObjectKind, RejectReason, Statement, SynproxyOptions, TableFamily } from './model.ts';
import type { ProtocolContext } from './protocol-context.ts';
import { Inexpressible } from './term.ts';

/** Statements that read nothing but their own parameters. */
export function simpleOf(
  instruction: KnownExpression,
  { family, protocols }: Pick<ActionContext, 'family' | 'protocols'>,
): Statement | undefined {
  switch (instruction.name) {
    case 'counter':
    case 'limit':
    case 'quota':
    case 'connlimit':
      return statefulOf(instruction.name, instruction.data);
    case 'notrack':
    case 'last':
      return { kind: instruction.name };
    case 'flow_offload':
      return { kind: 'flow-add', flowtable: instruction.data.table ?? '' };
    case 'synproxy':
      return { kind: 'synproxy', ...synproxyOf(instruction.data) };
    case 'reject':
      return reject(instruction, family, protocols);
    case 'log':
      return log(instruction);
    default:
      return undefined;
  }
}

export function synproxyOf({ mss, wscale, flags = [] }: InstructionOf<'synproxy'>['data']): SynproxyOptions {
  return {
    ...(flags.includes('mss') && { mss: mss ?? 0 }),
    ...(flags.includes('wscale') && { wscale: wscale ?? 0 }),
    ...(flags.includes('timestamp') && { timestamp: true }),
    ...(flags.includes('sack-perm') && { sackPerm: true }),
  };
}

function reject(
  { data: { type, code = 0 } }: InstructionOf<'reject'>,
  family: TableFamily,
  protocols: ProtocolContext,
): Statement {
  if (type === 'tcp-reset') return { kind: 'reject', with: 'tcp-reset' };
  const own = family === 'ip' ? 'icmp' : family === 'ip6' ? 'icmpv6' : 'icmpx';
  const protocol = type === 'icmpx' ? 'icmpx' : protocols.has('ipv6') ? 'icmpv6' : 'icmp';
  const codes: Readonly<Record<string, number>> = NAMES[`${protocol}_code`];
  const reason = Object.keys(codes).find((name) => codes[name] === code);
  if (reason === undefined) throw new Inexpressible(`an answer of code ${code}`);
  if (protocol === 'icmp' && !protocols.has('ipv4'))
    throw new Inexpressible('an answer in a protocol that is not known');
  return { kind: 'reject', with: reason as RejectReason, ...(protocol !== own && { protocol }) };
}

function log({ data }: InstructionOf<'log'>): Statement {
  const { prefix, group, snaplen, threshold, level, flags } = data;
  if (typeof level === 'number') throw new Inexpressible(`log level ${level}`);
  const words = (flags ?? []).filter((flag) => typeof flag === 'string');
  return {
    kind: 'log',
    ...(prefix !== undefined && { prefix }),
    ...(group !== undefined && { group }),
    ...(group !== undefined && snaplen && { snaplen }),
    ...(group !== undefined && threshold && { queueThreshold: threshold }),
    ...(group === undefined && level !== undefined && level !== 'warn' && { level }),
    ...(words.length > 0 && { flags: words }),
  };
}

/** NFT_OBJECT_*, those that rules may refer to. */
const OBJECTS: Readonly<Record<number, ObjectKind>> = {
  ...{ 1: 'counter', 2: 'quota', 3: 'ct helper', 4: 'limit', 7: 'ct timeout', 8: 'secmark', 9: 'ct expectation' },
  10: 'synproxy',
};

export function objectKind(type: number | string | undefined): ObjectKind {
  const kind = typeof type === 'number' ? OBJECTS[type] : Object.values(OBJECTS).find((word) => word === type);
  if (kind === undefined) throw new Inexpressible(`objects of type ${type}`);
  return kind;
}
