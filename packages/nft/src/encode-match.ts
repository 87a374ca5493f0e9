import { prefixBounds, TYPES, type ValueType } from './data-type.ts';
import { type ExpressionWriter, register } from './encode-expression.ts';
import { nftError } from './errors.ts';
import { EXTENSIONS, FIELDS } from './expression-type.ts';
import { type FieldShape, fieldShape, placed } from './field-shape.ts';
import { leftType } from './format-expression.ts';
import { checkField } from './match-check.ts';
import type { Expression, MatchOperator, SetElement, Statement, Value } from './model.ts';
import { encodeBounds, encodeValue, hasRanges, isWildcard } from './value.ts';
import { isTurned } from './value-order.ts';

type Match = Extract<Statement, { kind: 'match' }>;

/** NFT_CMP_* */
export const OPERATORS: Readonly<Record<MatchOperator, number>> = {
  '==': 0,
  '!=': 1,
  '<': 2,
  '<=': 3,
  '>': 4,
  '>=': 5,
};

const isList = (right: Value | readonly Value[]): right is readonly Value[] => Array.isArray(right);

/** Writes the expressions of a match. */
export function writeMatch(writer: ExpressionWriter, match: Match) {
  const { left, op, right } = match;
  const type = leftType(left, writer.table);
  checkField(left, right);
  if (left.kind === 'fib' && (right === 'exists' || right === 'missing')) {
    writer.fib(left, 0, true);
    return writer.compare(0, OPERATORS[op], TYPES.integer32.encode(right === 'exists' ? 1 : 0));
  }
  new MatchWriter(writer, type, shapeOf(left)).write(match);
}

/** Fields that do not fill their bytes are compared where they lie. */
function shapeOf(left: Expression): FieldShape | undefined {
  if (left.kind !== 'payload' && left.kind !== 'extension') return undefined;
  const shape = fieldShape(left.kind === 'payload' ? FIELDS[left.field] : EXTENSIONS[left.field]);
  return shape.mask && shape;
}

class MatchWriter {
  readonly #writer: ExpressionWriter;
  readonly #type: ValueType;
  readonly #shape: FieldShape | undefined;

  constructor(writer: ExpressionWriter, type: ValueType, shape: FieldShape | undefined) {
    this.#writer = writer;
    this.#type = type;
    this.#shape = shape;
  }

  write({ left, op, right }: Match) {
    const [type, writer] = [this.#type, this.#writer];
    const exact = left.kind === 'bitwise' || left.kind === 'shift';
    if (this.#shape?.mask && (left.kind === 'payload' || left.kind === 'extension')) {
      writer.bytesOf(left, 0);
      writer.mask(0, this.#shape.mask, Buffer.alloc(this.#shape.mask.length));
    } else writer.load(left, 0);
    if (TYPES[type].flags && exact) return writer.compare(0, OPERATORS[op], this.#bits(right));
    if (TYPES[type].flags || (type === 'ct_label' && op === '==')) return this.#flags(op, right);
    if (isList(right)) return this.#anonymous(op, right);
    if (op !== '==' && op !== '!=') return this.#ordered(op, right);
    this.#equal(op, right);
  }

  /** All the values added up. */
  #bits(right: Value | readonly Value[]): Buffer {
    const bits = Buffer.alloc(TYPES[this.#type].length);
    for (const value of isList(right) ? right : [right])
      encodeValue(this.#type, value).forEach((byte, i) => {
        bits[i] = (bits[i] ?? 0) | byte;
      });
    return bits;
  }

  /** Any of the flags set, or none of them. */
  #flags(op: MatchOperator, right: Value | readonly Value[]) {
    if (op !== '==' && op !== '!=')
      throw nftError('NFT_BAD_RULESET', `${this.#type} can be compared with == and != only`);
    const bits = this.#bits(right);
    const none = Buffer.alloc(bits.length);
    this.#writer.mask(0, bits, none);
    this.#writer.compare(0, op === '!=' ? OPERATORS['=='] : OPERATORS['!='], none);
  }

  /** Numbers in host order are turned, so that memcmp orders them. */
  #turn(values: readonly Buffer[]): readonly Buffer[] {
    if (!isTurned(this.#type)) return values;
    this.#writer.toBigEndian(0, TYPES[this.#type].length);
    return values.map((value) => Buffer.from(value).reverse());
  }

  #ordered(op: MatchOperator, right: Value) {
    const [value = Buffer.alloc(0)] = this.#turn([this.#encode(right)]);
    this.#writer.compare(0, OPERATORS[op], value);
  }

  #encode(value: Value): Buffer {
    const bytes = encodeValue(this.#type, value);
    return this.#shape ? placed(this.#shape, bytes) : bytes;
  }

  #equal(op: '==' | '!=', right: Value) {
    const writer = this.#writer;
    if (isWildcard(this.#type, right)) return writer.compare(0, OPERATORS[op], beginning(right));
    if (typeof right === 'object') return this.#range(op, right);
    const prefix = typeof right === 'string' ? prefixBounds(right) : undefined;
    if (!prefix) return writer.compare(0, OPERATORS[op], this.#encode(right));
    const { from, to } = encodeBounds(this.#type, right);
    if (from.equals(to)) return writer.compare(0, OPERATORS[op], from);
    const mask = Buffer.from(from.map((byte, i) => ~(byte ^ (to[i] ?? 0)) & 255));
    writer.mask(0, mask, Buffer.alloc(mask.length));
    writer.compare(0, OPERATORS[op], from);
  }

  #range(op: '==' | '!=', right: Extract<Value, object>) {
    const writer = this.#writer;
    const ends = [this.#encode(right.from), this.#encode(right.to)];
    const [from = Buffer.alloc(0), to = Buffer.alloc(0)] = this.#turn(ends);
    if (Buffer.compare(from, to) > 0) throw nftError('NFT_BAD_VALUE', `range ${right.from}-${right.to} is upside down`);
    if (from.equals(to)) return writer.compare(0, OPERATORS[op], from);
    if (op === '==') {
      writer.compare(0, OPERATORS['>='], from);
      return writer.compare(0, OPERATORS['<='], to);
    }
    // NFTA_RANGE_*
    writer.emit('range', (out) =>
      out
        .u32(1, register(0))
        .u32(2, 1)
        .nest(3, () => out.bytes(1, from))
        .nest(4, () => out.bytes(1, to)),
    );
  }

  #anonymous(op: MatchOperator, right: readonly Value[]): void {
    if (op !== '==' && op !== '!=')
      throw nftError('NFT_BAD_RULESET', `a list of values can be compared with == and != only, not ${op}`);
    const elements = right.map((value): SetElement => ({ key: [value] }));
    if (hasRanges(elements)) this.#turn([]);
    const { name, setId } = this.#writer.anonymous({
      key: [this.#type],
      elements,
      ...(this.#shape && { shape: this.#shape }),
    });
    this.#writer.lookup(name, 0, { invert: op === '!=', setId });
  }
}

/** The bytes that a name with a star has before it. */
function beginning(wildcard: string): Buffer {
  return encodeBounds('ifname', wildcard).from.subarray(0, Buffer.byteLength(wildcard) - 1);
}
