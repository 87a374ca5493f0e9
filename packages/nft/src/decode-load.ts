import { type InstructionOf, type KnownExpression, wordOf } from './bytecode.ts';
import { TYPES, type ValueType } from './data-type.ts';
import { optionOf } from './decode-term.ts';
import type { CtKey, Expression, MetaKey, RtKey, SocketKey } from './model.ts';
import { CT, META, RT, SOCKET } from './packet-key.ts';
import { Inexpressible, type Term } from './term.ts';

/** What an instruction leaves in a register, for those that read the packet and nothing else; undefined for others. */
export function loadedBy(
  instruction: KnownExpression,
): { readonly word: number | undefined; readonly term: Term } | undefined {
  const term = termOf(instruction);
  return term && { word: wordOf('dreg' in instruction.data ? instruction.data.dreg : undefined), term };
}

function termOf(instruction: KnownExpression): Term | undefined {
  switch (instruction.name) {
    case 'immediate': {
      const bytes = instruction.data.data?.value;
      return bytes && { source: { kind: 'constant', bytes: Buffer.from(bytes) }, length: bytes.length, operations: [] };
    }
    case 'payload':
      return payload(instruction);
    case 'exthdr':
      return extension(instruction);
    case 'fib':
      return fib(instruction);
    case 'numgen':
      return numgen(instruction);
    case 'meta':
    case 'ct':
    case 'rt':
    case 'socket':
    case 'osf':
      return instruction.data.dreg === undefined ? undefined : keyed(instruction);
    default:
      return undefined;
  }
}

function read(expression: Expression, type: ValueType): Term {
  return { source: { kind: 'expression', expression, types: [type] }, length: TYPES[type].length, operations: [] };
}

function payload({ data }: InstructionOf<'payload'>): Term | undefined {
  const { base, offset = 0, length = 0, dreg } = data;
  if (dreg === undefined) return undefined;
  if (base !== 'link' && base !== 'network' && base !== 'transport') throw new Inexpressible(`payload of ${base}`);
  return { source: { kind: 'payload', base, offset }, length, operations: [] };
}

function extension({ data }: InstructionOf<'exthdr'>): Term | undefined {
  const { op = 'ipv6', type = 0, offset = 0, length = 0, flags = [], dreg } = data;
  if (dreg === undefined) return undefined;
  if (typeof op === 'number' || op === 'dccp') throw new Inexpressible(`options of ${op}`);
  if (!flags.includes('present'))
    return { source: { kind: 'extension', op, number: type, offset }, length, operations: [] };
  const expression: Expression = { kind: 'extension', field: optionOf(op, type) };
  return { source: { kind: 'presence', expression }, length: 1, operations: [] };
}

const FIB_TYPES = { type: 'fib_addrtype', oif: 'iface_index', oifname: 'ifname' } as const;

function fib({ data: { result, flags = [] } }: InstructionOf<'fib'>): Term {
  if (result !== 'type' && result !== 'oif' && result !== 'oifname') throw new Inexpressible(`fib result ${result}`);
  const wanted = (['saddr', 'daddr', 'mark', 'iif', 'oif'] as const).filter((flag) => flags.includes(flag));
  const expression: Expression = { kind: 'fib', flags: wanted, result };
  if (!flags.includes('present')) return read(expression, FIB_TYPES[result]);
  return { source: { kind: 'presence', expression }, length: 4, operations: [] };
}

function numgen({ data: { type, modulus = 1, offset = 0 } }: InstructionOf<'numgen'>): Term {
  if (type !== 'inc' && type !== 'random') throw new Inexpressible(`numgen ${type}`);
  return read({ kind: 'numgen', mode: type, modulus, ...(offset && { offset }) }, 'integer32');
}

function keyed(instruction: InstructionOf<'meta' | 'ct' | 'rt' | 'socket' | 'osf'>): Term {
  const { name, data } = instruction;
  switch (name) {
    case 'meta': {
      const key = keyIn<MetaKey>(META, String(data.key));
      return read({ kind: 'meta', key }, META[key].type);
    }
    case 'ct': {
      const key = keyIn<CtKey>(CT, data.direction === undefined ? String(data.key) : `${data.direction} ${data.key}`);
      return read({ kind: 'ct', key }, CT[key].type);
    }
    case 'rt': {
      const key = keyIn<RtKey>(RT, String(data.key));
      return read({ kind: 'rt', key }, RT[key].type);
    }
    case 'socket': {
      const key = keyIn<SocketKey>(SOCKET, String(data.key));
      const level = key === 'cgroupv2' ? data.level : undefined;
      return read({ kind: 'socket', key, ...(level !== undefined && { level }) }, SOCKET[key].type);
    }
    case 'osf': {
      const ttl = ([undefined, 'loose', 'skip'] as const)[data.ttl ?? 0];
      const version = data.flags?.includes('version');
      return read({ kind: 'osf', ...(ttl && { ttl }), ...(version && { version }) }, 'os_name');
    }
  }
}

function keyIn<K extends string>(table: Readonly<Record<K, unknown>>, key: string): K {
  if (!Object.hasOwn(table, key)) throw new Inexpressible(`key ${key}`);
  return key as K;
}
