import { PodwireError } from '@podwire/base';
import { TYPES, type ValueType } from './data-type.ts';
import { EXTENSIONS, type ExtensionField, type ExtensionInfo } from './extension-field.ts';
import { FIELDS, type FieldInfo, type PayloadField } from './header-field.ts';
import type { Expression, Value } from './model.ts';
import type { ProtocolContext } from './protocol-context.ts';
import { bitsOfMask, Inexpressible, isZero, type Operation, type Term } from './term.ts';

/** A term in the words of the model. Constants compared with it are laid out as its bytes are. */
export interface Reading {
  readonly expression: Expression;
  readonly types: readonly ValueType[];
  /** Bits that follow the field in its bytes. */
  readonly trailing: number;
  /** Operations that are not part of the reading itself. */
  readonly operations: readonly Operation[];
}

/** Names what a term reads. A part of bytes that has a name swallows the mask that cuts it out. */
export function readingOf(term: Term, protocols: ProtocolContext): Reading {
  const { source, operations } = term;
  switch (source.kind) {
    case 'expression':
      return { expression: source.expression, types: source.types, trailing: 0, operations };
    case 'payload':
      return readingOfPayload(term, source, protocols);
    case 'extension':
      return readingOfExtension(term, source);
    default:
      throw new Inexpressible(`a ${source.kind} where something read from the packet is expected`);
  }
}

const PAYLOAD_FIELDS = Object.entries(FIELDS) as [PayloadField, FieldInfo][];
const EXTENSION_FIELDS = Object.entries(EXTENSIONS) as [ExtensionField, ExtensionInfo][];

interface Cut {
  readonly offset: number;
  readonly bits: number;
  readonly trailing: number;
  readonly rest: readonly Operation[];
}

/** What an adjacent mask leaves of the bytes, then all of the bytes. */
function cuts({ length, operations }: Term, offset: number): Cut[] {
  const [first, second] = operations;
  const whole = { offset: 8 * offset, bits: 8 * length, trailing: 0, rest: operations };
  const part = first?.kind === 'mask' && isZero(first.xor) ? bitsOfMask(first.mask) : undefined;
  if (!part || part.count === 8 * length) return [whole];
  const trailing = 8 * length - part.first - part.count;
  const shifted = second?.kind === 'shift' && second.direction === 'right' && second.bits === trailing;
  const cut = { offset: 8 * offset + part.first, bits: part.count };
  if (shifted) return [{ ...cut, trailing: 0, rest: operations.slice(2) }, whole];
  return [{ ...cut, trailing, rest: operations.slice(1) }, whole];
}

function readingOfPayload(
  term: Term,
  { base, offset }: Extract<Term['source'], { kind: 'payload' }>,
  protocols: ProtocolContext,
): Reading {
  for (const cut of cuts(term, offset)) {
    const field = fieldAt(base, cut, protocols);
    if (field)
      return {
        expression: { kind: 'payload', field },
        types: [FIELDS[field].type],
        trailing: cut.trailing,
        operations: cut.rest,
      };
  }
  const expression: Expression = { kind: 'raw-payload', base, offset: 8 * offset, length: 8 * term.length };
  return { expression, types: ['raw'], trailing: 0, operations: term.operations };
}

function fieldAt(
  base: FieldInfo['base'],
  { offset, bits }: Pick<Cut, 'offset' | 'bits'>,
  protocols: ProtocolContext,
): PayloadField | undefined {
  const fits = PAYLOAD_FIELDS.filter(
    ([, field]) =>
      field.base === base &&
      field.offset === offset &&
      field.bits === bits &&
      protocols.has(field.needs) &&
      (field.messages === undefined || protocols.isMessage(field.messages)),
  );
  return (fits.find(([, field]) => field.needs !== undefined) ?? fits[0])?.[0];
}

/** The fields that lie side by side in the bytes, when the bytes are more than one; nft loads neighbours at once. */
export function neighbours(term: Term, protocols: ProtocolContext): Term[] | undefined {
  const { source, length, operations } = term;
  if (source.kind !== 'payload' || operations.length > 0) return undefined;
  if (isSpecific(fieldAt(source.base, bitsOf(source.offset, length), protocols))) return undefined;
  const parts: Term[] = [];
  for (let at = 0; at < length; ) {
    const size = [16, 6, 4, 2, 1, 3].find(
      (bytes) => at + bytes <= length && isSpecific(fieldAt(source.base, bitsOf(source.offset + at, bytes), protocols)),
    );
    if (size === undefined) return undefined;
    parts.push({ source: { ...source, offset: source.offset + at }, length: size, operations: [] });
    at += size;
  }
  return parts;
}

/** A field of a known header; ports of any transport are not. */
function isSpecific(field: PayloadField | undefined): boolean {
  const info: FieldInfo | undefined = field && FIELDS[field];
  return info?.needs !== undefined;
}

/** The address field that the bytes are the first of: nft reads no more of it than a prefix needs. */
export function prefixedField(term: Term, protocols: ProtocolContext): PayloadField | undefined {
  const { source, length, operations } = term;
  if (source.kind !== 'payload' || operations.length > 0) return undefined;
  const found = PAYLOAD_FIELDS.find(
    ([, field]) =>
      field.base === source.base &&
      field.offset === 8 * source.offset &&
      field.bits > 8 * length &&
      (field.type === 'ipv4_addr' || field.type === 'ipv6_addr') &&
      protocols.has(field.needs),
  );
  return found?.[0];
}

const bitsOf = (offset: number, length: number) => ({ offset: 8 * offset, bits: 8 * length });

function readingOfExtension(
  term: Term,
  { op, number, offset }: Extract<Term['source'], { kind: 'extension' }>,
): Reading {
  for (const cut of cuts(term, offset)) {
    const found = EXTENSION_FIELDS.find(
      ([, field]) =>
        field.op === op &&
        field.number === number &&
        field.type !== undefined &&
        field.offset === cut.offset &&
        field.bits === cut.bits,
    );
    if (found)
      return {
        expression: { kind: 'extension', field: found[0] },
        types: [found[1].type ?? 'integer8'],
        trailing: cut.trailing,
        operations: cut.rest,
      };
  }
  throw new Inexpressible(`a field of ${op} ${number} without a name`);
}

/** The name of a header or option that is only asked for. */
export function optionOf(op: ExtensionInfo['op'], number: number): ExtensionField {
  const found = EXTENSION_FIELDS.find(
    ([name, field]) =>
      field.op === op &&
      field.number === number &&
      field.type === undefined &&
      (op !== 'ipv6' || name.startsWith('exthdr')),
  );
  if (!found) throw new Inexpressible(`presence of ${op} ${number}`);
  return found[0];
}

/** The only type of a reading that is not a concatenation. */
export function singleType({ types }: Reading): ValueType {
  const [type] = types;
  if (type === undefined || types.length > 1) throw new Inexpressible('several values where one is expected');
  return type;
}

/** Bytes laid out as the reading's field are, as a value of its type. */
export function decodeConstant(type: ValueType, bytes: Buffer, trailing = 0): string | number {
  const { length } = TYPES[type];
  if (type === 'raw') return TYPES.raw.decode(bytes);
  const wider =
    bytes.length > length && TYPES[type].order === 'big' && isZero(bytes.subarray(0, bytes.length - length));
  if (trailing > 0 || wider) return decodeConstant(type, shiftRight(bytes, trailing, length));
  if (type === 'ifname' && bytes.length < length) return `${bytes.toString()}*`;
  const before = bytes.length - length;
  if (before > 0 && TYPES[type].order === 'big' && isZero(bytes.subarray(0, before)))
    return decodeConstant(type, bytes.subarray(before));
  if (bytes.length !== length) throw new Inexpressible(`${bytes.length} bytes as ${type}`);
  const value = TYPES[type].decode(bytes);
  if (!isWrittenAs(type, value, bytes)) throw new Inexpressible(`${bytes.toString('hex')} as ${type}`);
  return value;
}

/** Bytes that another program compares with may be no value of the type at all. */
function isWrittenAs(type: ValueType, value: string | number, bytes: Buffer): boolean {
  try {
    return TYPES[type].encode(value).equals(bytes);
  } catch (error) {
    if (error instanceof PodwireError && error.code === 'NFT_BAD_VALUE') return false;
    throw error;
  }
}

function shiftRight(bytes: Buffer, count: number, length: number): Buffer {
  const number = BigInt(`0x${bytes.toString('hex') || '0'}`) >> BigInt(count);
  return Buffer.from(
    number
      .toString(16)
      .padStart(2 * length, '0')
      .slice(-2 * length),
    'hex',
  );
}

/** Names of the bits that are set; a bit without a name stays a number. */
export function decodeFlags(type: ValueType, bytes: Buffer): Value | readonly Value[] {
  const values: (string | number)[] = [];
  if (bytes.length !== TYPES[type].length) throw new Inexpressible(`${bytes.length} bytes as ${type}`);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const one = Buffer.alloc(bytes.length);
    const at = TYPES[type].order === 'host' ? bit >> 3 : bytes.length - 1 - (bit >> 3);
    one[at] = 1 << (bit & 7);
    if (((bytes[at] ?? 0) & (one[at] ?? 0)) !== 0) values.push(TYPES[type].decode(one));
  }
  return values.length === 1 ? (values[0] ?? 0) : values;
}

/** The expression with all that is done to it, as it may stand in a key or be assigned. */
export function expressionOf(reading: Reading): Expression {
  const type = reading.types[0] ?? 'mark';
  return reading.operations.reduce<Expression>((of, operation) => {
    if (operation.kind === 'swap') throw new Inexpressible('a change of byte order');
    if (operation.kind === 'shift') return { kind: 'shift', of, direction: operation.direction, bits: operation.bits };
    return { kind: 'bitwise', of, mask: numberOf(type, operation.mask), xor: numberOf(type, operation.xor) };
  }, reading.expression);
}

export function numberOf(type: ValueType, bytes: Buffer): number {
  if (bytes.length === 0 || bytes.length > 4) throw new Inexpressible(`a mask of ${bytes.length} bytes`);
  return TYPES[type].order === 'host' ? bytes.readUIntLE(0, bytes.length) : bytes.readUIntBE(0, bytes.length);
}
