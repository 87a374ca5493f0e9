import { type InstructionOf, type KnownExpression, wordOf } from './bytecode.ts';
import { TYPES } from './data-type.ts';
import { type ActionContext, assigned } from './decode-action.ts';
import { optionOf, readingOf } from './decode-term.ts';
import { SET_CT, SET_META } from './format-statement.ts';
import type { Statement } from './model.ts';
import { bitsOfMask, Inexpressible, type Term } from './term.ts';

/** Statements that write what is in a register to the packet or to its connection. */
export function assignmentOf(instruction: KnownExpression, context: ActionContext): Statement | undefined {
  switch (instruction.name) {
    case 'meta':
      return setMeta(instruction, context);
    case 'ct':
      return setCt(instruction, context);
    case 'payload':
      return setPayload(instruction, context);
    case 'exthdr':
      return setExtension(instruction, context);
    default:
      return undefined;
  }
}

function setMeta({ data: { key, sreg } }: InstructionOf<'meta'>, { registers, protocols }: ActionContext): Statement {
  const term = registers.read(wordOf(sreg));
  if (key === 'mark') return { kind: 'set-mark', to: assigned(term, 'mark', protocols) };
  if (typeof key !== 'string' || !Object.hasOwn(SET_META, key)) throw new Inexpressible(`setting meta ${key}`);
  const name = key as keyof typeof SET_META;
  return { kind: 'set-meta', key: name, to: assigned(term, SET_META[name], protocols) };
}

function setCt(
  { data: { key, direction, sreg } }: InstructionOf<'ct'>,
  { registers, protocols }: ActionContext,
): Statement {
  const term = registers.read(wordOf(sreg));
  if (key === 'mark') return { kind: 'set-ct-mark', to: assigned(term, 'mark', protocols) };
  const name = direction === undefined ? String(key) : `${direction} ${key}`;
  if (!Object.hasOwn(SET_CT, name)) throw new Inexpressible(`setting ct ${name}`);
  const known = name as keyof typeof SET_CT;
  return { kind: 'set-ct', key: known, to: assigned(term, SET_CT[known], protocols) };
}

/** Fields that are not whole bytes are written with the bits around them, which were read before. */
function setPayload({ data }: InstructionOf<'payload'>, { registers, protocols }: ActionContext): Statement {
  const { base, offset = 0, length = 0, sreg } = data;
  if (base !== 'link' && base !== 'network' && base !== 'transport') throw new Inexpressible(`payload of ${base}`);
  const term = registers.read(wordOf(sreg));
  const { field, value } = target({ source: { kind: 'payload', base, offset }, length, operations: [] }, term);
  const reading = readingOf(field, protocols);
  const [type = 'raw'] = reading.types;
  if (reading.expression.kind !== 'payload' || reading.operations.length > 0)
    throw new Inexpressible('writing bytes that have no name');
  const to = assigned(value, type, protocols, reading.trailing);
  return { kind: 'set-payload', field: reading.expression.field, to };
}

/** `(packet & mask) ^ value` writes the bits that the mask leaves out. */
function target(whole: Term, written: Term): { readonly field: Term; readonly value: Term } {
  const [operation, ...rest] = written.operations;
  const around =
    written.source.kind === 'payload' && operation?.kind === 'mask' && rest.length === 0 ? operation : undefined;
  if (!around) return { field: whole, value: written };
  const mask = Buffer.from(around.mask.map((byte) => ~byte & 255));
  if (!bitsOfMask(mask)) throw new Inexpressible('writing bits that are not side by side');
  const field: Term = { ...whole, operations: [{ kind: 'mask', mask, xor: Buffer.alloc(mask.length) }] };
  return { field, value: { source: { kind: 'constant', bytes: around.xor }, length: whole.length, operations: [] } };
}

/** Without a register the option is overwritten with NOPs. */
function setExtension({ data }: InstructionOf<'exthdr'>, { registers, protocols }: ActionContext): Statement {
  const { op = 'ipv6', type = 0, offset = 0, length = 0, sreg } = data;
  if (typeof op === 'number' || op === 'dccp') throw new Inexpressible(`options of ${op}`);
  if (sreg === undefined) return { kind: 'reset-tcp-option', option: optionOf(op, type) };
  const term = registers.read(wordOf(sreg));
  const { expression, types } = readingOf(
    { source: { kind: 'extension', op, number: type, offset }, length, operations: [] },
    protocols,
  );
  if (expression.kind !== 'extension') throw new Inexpressible('writing an option without a name');
  const to = assigned(inNetworkOrder(term), types[0] ?? 'raw', protocols);
  return { kind: 'set-extension', field: expression.field, to };
}

/** Numbers of the host's byte order are turned round before they are written; the model takes that for granted. */
function inNetworkOrder(term: Term): Term {
  const type = term.source.kind === 'expression' ? term.source.types[0] : undefined;
  if (type === undefined || TYPES[type].order === 'big' || term.length === 1) return term;
  if (term.operations.at(-1)?.kind !== 'swap') throw new Inexpressible('a number in the order of the host');
  return { ...term, operations: term.operations.slice(0, -1) };
}
