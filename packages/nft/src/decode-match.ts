import { TYPES, type ValueType } from './data-type.ts';
import {
  decodeConstant,
  decodeFlags,
  expressionOf,
  neighbours,
  numberOf,
  prefixedField,
  type Reading,
  readingOf,
  singleType,
} from './decode-term.ts';
import { FIELDS } from './header-field.ts';
import type { Expression, MatchOperator, PayloadField, Statement, Value } from './model.ts';
import type { ProtocolContext } from './protocol-context.ts';
import { bitsOfMask, Inexpressible, isZero, type Operation, type Term } from './term.ts';

export interface Comparison {
  readonly op: MatchOperator;
  readonly bytes: Buffer;
}

const reversed = (bytes: Buffer): Buffer => Buffer.from(bytes).reverse();

/** A comparison of a register as the match it stands for; of bytes that are several fields, as several matches. */
export function matchesOf(term: Term, { op, bytes }: Comparison, protocols: ProtocolContext): Statement[] {
  if (term.source.kind === 'presence') return [presence(term.source.expression, op, bytes)];
  const address = op === '==' || op === '!=' ? prefixedField(term, protocols) : undefined;
  if (address) return [prefixMatch(address, { op, bytes })];
  const parts = op === '==' ? neighbours(term, protocols) : undefined;
  if (!parts) return [matchOf(readingOf(term, protocols), { op, bytes })];
  let at = 0;
  return parts.flatMap((part) => {
    const own = bytes.subarray(at, at + part.length);
    at += part.length;
    return matchesOf(part, { op, bytes: own }, protocols);
  });
}

function prefixMatch(field: PayloadField, { op, bytes }: Comparison): Statement {
  const { type } = FIELDS[field];
  const first = Buffer.alloc(TYPES[type].length);
  bytes.copy(first);
  const right = `${TYPES[type].decode(first)}/${8 * bytes.length}`;
  return { kind: 'match', left: { kind: 'payload', field }, op, right };
}

function presence(left: Expression, op: MatchOperator, bytes: Buffer): Statement {
  const set = !isZero(bytes);
  if (op !== '==' && op !== '!=') throw new Inexpressible('an ordering of presence');
  return { kind: 'match', left, op, right: set ? 'exists' : 'missing' };
}

function matchOf(reading: Reading, { op, bytes }: Comparison): Statement {
  const type = singleType(reading);
  const { operations, trailing } = reading;
  const [last] = operations.slice(-1);
  const left = (count: number) =>
    expressionOf({ ...reading, operations: operations.slice(0, operations.length - count) });
  const right = (value: Buffer): Value => decodeConstant(type, value, trailing);
  if (isTurned(type, last, op !== '==' && op !== '!='))
    return { kind: 'match', left: left(1), op, right: right(reversed(bytes)) };
  if (last?.kind === 'mask' && trailing === 0) {
    const special = maskedMatch(type, last, { op, bytes });
    if (special) return { kind: 'match', left: left(1), ...special };
    const exact = TYPES[type].flags ? decodeFlags(type, bytes) : right(bytes);
    return { kind: 'match', left: left(0), op, right: exact };
  }
  if (TYPES[type].flags && operations.length === 0) return exactFlags(reading.expression, type, { op, bytes });
  return { kind: 'match', left: left(0), op, right: right(bytes) };
}

/** Only numbers of the host's byte order that are compared by size are turned round first. */
function isTurned(type: ValueType, last: Operation | undefined, bySize: boolean): boolean {
  const swapped = last?.kind === 'swap';
  if (swapped !== (bySize && TYPES[type].order === 'host' && TYPES[type].length > 1))
    throw new Inexpressible('a comparison in the other byte order');
  return swapped;
}

/** Any of the flags, or a prefix: what nft says in one word although the kernel masks first. */
function maskedMatch(
  type: ValueType,
  { mask, xor }: Extract<Operation, { kind: 'mask' }>,
  { op, bytes }: Comparison,
): { readonly op: MatchOperator; readonly right: Value | readonly Value[] } | undefined {
  if (!isZero(xor) || (op !== '==' && op !== '!=')) return undefined;
  if ((TYPES[type].flags || type === 'ct_label') && isZero(bytes)) {
    const right = type === 'ct_label' ? TYPES.ct_label.decode(mask) : decodeFlags(type, mask);
    return { op: op === '==' ? '!=' : '==', right };
  }
  if (type !== 'ipv4_addr' && type !== 'ipv6_addr') return undefined;
  const bits = bitsOfMask(mask);
  if (bits?.first !== 0) return undefined;
  return { op, right: `${TYPES[type].decode(bytes)}/${bits.count}` };
}

/** Flags compared as a whole: all bits are kept, which the mask says. */
function exactFlags(of: Expression, type: ValueType, { op, bytes }: Comparison): Statement {
  const mask = numberOf(type, Buffer.alloc(bytes.length, 0xff));
  return { kind: 'match', left: { kind: 'bitwise', of, mask, xor: 0 }, op, right: decodeFlags(type, bytes) };
}

/** A value between two bounds, both inclusive. */
export function rangeMatchOf(
  term: Term,
  { op, from, to }: { readonly op: '==' | '!='; readonly from: Buffer; readonly to: Buffer },
  protocols: ProtocolContext,
): Statement {
  const reading = readingOf(term, protocols);
  const type = singleType(reading);
  const swapped = isTurned(type, reading.operations.at(-1), true);
  const left = expressionOf({ ...reading, operations: swapped ? reading.operations.slice(0, -1) : reading.operations });
  const value = (bytes: Buffer) => decodeConstant(type, swapped ? reversed(bytes) : bytes, reading.trailing);
  return { kind: 'match', left, op, right: { from: value(from), to: value(to) } };
}
