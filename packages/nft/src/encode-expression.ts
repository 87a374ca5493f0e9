import { AttributeWriter } from './attribute-writer.ts';
import { paddedLength, TYPES, type ValueType } from './data-type.ts';
import { nftError } from './errors.ts';
import { CT, FIELDS, lengthOf, META, typesOf } from './expression-type.ts';
import type { Expression, Table } from './model.ts';
import { checkName } from './name.ts';
import { encodeValue } from './value.ts';
import { DATA, EXPRESSION, LIST_ELEMENT } from './wire.ts';

/** The kernel has 16 registers of 4 bytes, that is 4 of 16 bytes. */
const WORDS = 16;
const BASES = { link: 0, network: 1, transport: 2 } as const;
const FIB_FLAGS = { saddr: 1, daddr: 2, mark: 4, iif: 8, oif: 16 } as const;
const FIB_PRESENT = 32;
const FIB_RESULTS = { oif: 1, oifname: 2, type: 3 } as const;

/** The kernel's number of the register that starts at a 4-byte word: NFT_REG_1.. where aligned, else NFT_REG32_00... */
export function register(word: number): number {
  if (word >= WORDS) throw nftError('NFT_BAD_RULESET', "a key is longer than the 64 bytes of the kernel's registers");
  return word % 4 === 0 ? word / 4 + 1 : 8 + word;
}

export const alignWord = (word: number): number => (word + 3) & ~3;
export const wordsOf = (length: number): number => paddedLength(length) / 4;

/** Appends nf_tables expressions of one rule. */
export class ExpressionWriter {
  readonly out = new AttributeWriter();
  readonly table: Table;

  constructor(table: Table) {
    this.table = table;
  }

  emit(name: string, write: (out: AttributeWriter) => void): void {
    this.out.nest(LIST_ELEMENT, () => {
      this.out.text(EXPRESSION.name, name).nest(EXPRESSION.data, () => write(this.out));
    });
  }

  /** NFTA_CMP_*; operators eq neq lt lte gt gte are 0 to 5. */
  compare(word: number, operator: number, value: Buffer): void {
    this.emit('cmp', (out) =>
      out
        .u32(1, register(word))
        .u32(2, operator)
        .nest(3, () => out.bytes(DATA.value, value)),
    );
  }

  /** NFTA_IMMEDIATE_* */
  constant(word: number, value: Buffer): void {
    this.emit('immediate', (out) => out.u32(1, register(word)).nest(2, () => out.bytes(DATA.value, value)));
  }

  /** NFTA_BITWISE_*: (word & mask) ^ xor */
  mask(word: number, mask: Buffer, xor: Buffer): void {
    this.emit('bitwise', (out) => {
      out.u32(1, register(word)).u32(2, register(word)).u32(3, mask.length);
      out.nest(4, () => out.bytes(DATA.value, mask)).nest(5, () => out.bytes(DATA.value, xor));
    });
  }

  /** NFTA_BYTEORDER_* with op hton, so that ordering works by memcmp. */
  toBigEndian(word: number, length: number): void {
    this.emit('byteorder', (out) =>
      out.u32(1, register(word)).u32(2, register(word)).u32(3, 1).u32(4, length).u32(5, length),
    );
  }

  /** NFTA_LOOKUP_*; the verdict register is 0. */
  lookup(set: string, word: number, options: { dreg?: number; invert?: boolean; setId?: number }): void {
    this.emit('lookup', (out) => {
      out.text(1, set).u32(2, register(word));
      if (options.dreg !== undefined) out.u32(3, options.dreg);
      if (options.setId !== undefined) out.u32(4, options.setId);
      if (options.invert) out.u32(5, 1);
    });
  }

  /** NFTA_META_*: load with DREG, set with SREG. */
  meta(key: number, word: number, direction: 'load' | 'set' = 'load'): void {
    this.emit('meta', (out) => out.u32(2, key).u32(direction === 'load' ? 1 : 3, register(word)));
  }

  /** Leaves the expression's value in the registers from `word` on. A constant needs `type`. */
  load(expression: Expression, word: number, type?: ValueType) {
    switch (expression.kind) {
      case 'value':
        if (!type)
          throw nftError(
            'NFT_BAD_RULESET',
            `a constant ${JSON.stringify(expression.value)} stands where its type is unknown`,
          );
        return this.constant(word, encodeValue(type, expression.value));
      case 'payload':
        return this.#payload(expression, word);
      case 'meta':
        return this.meta(META[expression.key].key, word);
      case 'ct':
        return this.#ct(expression, word);
      case 'fib':
        return this.fib(expression, word, false);
      case 'numgen':
        return this.#numgen(expression, word);
      case 'jhash':
        return this.#jhash(expression, word);
      case 'concat':
        return this.#concat(expression, word);
      case 'map':
        this.load(expression.key, word);
        return this.lookup(checkName(expression.map), word, { dreg: register(word) });
      case 'bitwise':
        return this.#bitwise(expression, word);
      default:
        throw nftError('NFT_BAD_RULESET', `not encoded yet: ${expression.kind}`);
    }
  }

  #concat({ parts }: Extract<Expression, { kind: 'concat' }>, word: number): void {
    for (const part of parts) {
      this.load(part, word);
      word += wordsOf(this.lengthOf(part));
    }
  }

  lengthOf(expression: Expression): number {
    const types = typesOf(expression, this.table);
    if (!types) throw nftError('NFT_BAD_RULESET', 'a constant cannot be part of a key');
    return lengthOf(types);
  }

  /** NFTA_PAYLOAD_* */
  #payload({ field }: Extract<Expression, { kind: 'payload' }>, word: number): void {
    const { base, offset, bits } = FIELDS[field];
    this.emit('payload', (out) =>
      out
        .u32(1, register(word))
        .u32(2, BASES[base])
        .u32(3, offset / 8)
        .u32(4, bits / 8),
    );
  }

  /** NFTA_CT_* */
  #ct({ key }: Extract<Expression, { kind: 'ct' }>, word: number): void {
    const info = CT[key];
    this.emit('ct', (out) => {
      out.u32(1, register(word)).u32(2, info.key);
      if (info.direction !== undefined) out.u8(3, info.direction);
    });
  }

  /** NFTA_FIB_*; `present` asks only whether there is a result. */
  fib({ flags, result }: Extract<Expression, { kind: 'fib' }>, word: number, present: boolean): void {
    const bits = flags.reduce((all, flag) => all | FIB_FLAGS[flag], present ? FIB_PRESENT : 0);
    this.emit('fib', (out) => out.u32(1, register(word)).u32(2, FIB_RESULTS[result]).u32(3, bits));
  }

  /** NFTA_NG_* */
  #numgen({ mode, modulus, offset }: Extract<Expression, { kind: 'numgen' }>, word: number): void {
    this.emit('numgen', (out) =>
      out
        .u32(1, register(word))
        .u32(2, modulus)
        .u32(3, mode === 'random' ? 1 : 0)
        .u32(4, offset ?? 0),
    );
  }

  /** NFTA_HASH_*, Jenkins */
  #jhash({ of, modulus, seed, offset }: Extract<Expression, { kind: 'jhash' }>, word: number): void {
    const source = alignWord(word + 1);
    this.load(of, source);
    this.emit('hash', (out) => {
      out.u32(1, register(source)).u32(2, register(word)).u32(3, this.lengthOf(of)).u32(4, modulus);
      if (seed !== undefined) out.u32(5, seed);
      if (offset) out.u32(6, offset);
      out.u32(7, 0);
    });
  }

  #bitwise({ of, mask, xor }: Extract<Expression, { kind: 'bitwise' }>, word: number): void {
    this.load(of, word);
    this.mask(word, TYPES.mark.encode(mask >>> 0), TYPES.mark.encode(xor >>> 0));
  }
}
