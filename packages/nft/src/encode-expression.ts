import { AttributeWriter } from './attribute-writer.ts';
import { paddedLength, TYPES, type ValueType } from './data-type.ts';
import { nftError } from './errors.ts';
import { CT, EXTENSIONS, FIELDS, lengthOf, META, RT, SOCKET, setNamed, typesOf } from './expression-type.ts';
import { type FieldShape, fieldShape } from './field-shape.ts';
import type { Expression, SetElement, Table } from './model.ts';
import { checkName } from './name.ts';
import { encodeValue, hasRanges } from './value.ts';
import { isTurned } from './value-order.ts';
import { whole } from './whole-number.ts';
import { DATA, EXPRESSION, LIST_ELEMENT } from './wire.ts';

type ExpressionOf<K extends Expression['kind']> = Extract<Expression, { kind: K }>;

/** The kernel has 16 registers of 4 bytes, that is 4 of 16 bytes. */
const WORDS = 16;
const BASES = { link: 0, network: 1, transport: 2 } as const;
const FIB_FLAGS = { saddr: 1, daddr: 2, mark: 4, iif: 8, oif: 16 } as const;
const FIB_PRESENT = 32;
const FIB_RESULTS = { oif: 1, oifname: 2, type: 3 } as const;
const EXTHDR_OPS = { ipv6: 0, tcpopt: 1, ipv4: 2, sctp: 3 } as const;
const OSF_TTL = { loose: 1, skip: 2 } as const;

/** The kernel's number of the register that starts at a 4-byte word: NFT_REG_1.. where aligned, else NFT_REG32_00... */
export function register(word: number): number {
  if (word >= WORDS) throw nftError('NFT_BAD_RULESET', "a key is longer than the 64 bytes of the kernel's registers");
  return word % 4 === 0 ? word / 4 + 1 : 8 + word;
}

export const alignWord = (word: number): number => (word + 3) & ~3;
export const wordsOf = (length: number): number => paddedLength(length) / 4;

/** Makes the set of a rule's own and returns how a lookup names it. */
export type AnonymousSets = (set: {
  readonly key: readonly ValueType[];
  readonly data?: readonly ValueType[] | 'verdict';
  readonly elements: readonly SetElement[];
  /** Keys are a field's bits where they lie in the packet. */
  readonly shape?: FieldShape;
}) => { readonly name: string; readonly setId: number };

/** Appends nf_tables expressions of one rule. */
export class ExpressionWriter {
  readonly out = new AttributeWriter();
  readonly table: Table;
  readonly anonymous: AnonymousSets;

  constructor(table: Table, anonymous: AnonymousSets) {
    this.table = table;
    this.anonymous = anonymous;
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
  constant(word: number, value: Buffer) {
    this.emit('immediate', (out) => out.u32(1, register(word)).nest(2, () => out.bytes(DATA.value, value)));
  }

  /** NFTA_BITWISE_*: (word & mask) ^ xor */
  mask(word: number, mask: Buffer, xor: Buffer) {
    this.emit('bitwise', (out) => {
      out.u32(1, register(word)).u32(2, register(word)).u32(3, mask.length);
      out.nest(4, () => out.bytes(DATA.value, mask)).nest(5, () => out.bytes(DATA.value, xor));
    });
  }

  /** NFTA_BITWISE_*: NFT_BITWISE_LSHIFT, NFT_BITWISE_RSHIFT of a number in host order. */
  shift(word: number, direction: 'left' | 'right', { bits, length }: { bits: number; length: number }) {
    this.emit('bitwise', (out) => {
      out.u32(1, register(word)).u32(2, register(word)).u32(3, length);
      out.u32(6, direction === 'left' ? 1 : 2).nest(7, () => out.bytes(DATA.value, TYPES.integer32.encode(bits)));
    });
  }

  /** NFTA_BYTEORDER_* with op hton, so that ordering works by memcmp. */
  toBigEndian(word: number, length: number) {
    this.emit('byteorder', (out) =>
      out.u32(1, register(word)).u32(2, register(word)).u32(3, 1).u32(4, length).u32(5, length),
    );
  }

  /** NFTA_LOOKUP_*; the verdict register is 0. */
  lookup(set: string, word: number, options: { dreg?: number; invert?: boolean; setId?: number }) {
    this.emit('lookup', (out) => {
      out.text(1, set).u32(2, register(word));
      if (options.dreg !== undefined) out.u32(3, options.dreg);
      if (options.setId !== undefined) out.u32(4, options.setId);
      if (options.invert) out.u32(5, 1);
    });
  }

  /** NFTA_META_*: load with DREG, set with SREG. */
  meta(key: number, word: number, direction: 'load' | 'set' = 'load') {
    this.emit('meta', (out) => out.u32(2, key).u32(direction === 'load' ? 1 : 3, register(word)));
  }

  /** NFTA_CT_* */
  ct({ key, direction }: { key: number; direction?: 0 | 1 }, word: number, how: 'load' | 'set' = 'load') {
    this.emit('ct', (out) => {
      if (how === 'load') out.u32(1, register(word));
      out.u32(2, key);
      if (direction !== undefined) out.u8(3, direction);
      if (how === 'set') out.u32(4, register(word));
    });
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
      case 'extension':
        return this.#field(expression, word);
      case 'raw-payload':
        return this.payload(
          { base: expression.base, offset: expression.offset / 8, length: expression.length / 8 },
          word,
        );
      case 'meta':
        return this.meta(META[expression.key].key, word);
      case 'ct':
        return this.ct(CT[expression.key], word);
      case 'rt': // NFTA_RT_*
        return this.emit('rt', (out) => out.u32(2, RT[expression.key].key).u32(1, register(word)));
      case 'socket':
        return this.#socket(expression, word);
      case 'osf':
        return this.#osf(expression, word);
      case 'fib':
        return this.fib(expression, word, false);
      default:
        return this.#compute(expression, word);
    }
  }

  #compute(
    expression: ExpressionOf<'numgen' | 'jhash' | 'symhash' | 'concat' | 'map' | 'anonymous-map' | 'bitwise' | 'shift'>,
    word: number,
  ) {
    switch (expression.kind) {
      case 'numgen':
        return this.#numgen(expression, word);
      case 'jhash':
        return this.#jhash(expression, word);
      case 'symhash':
        return this.#hash(expression, word, () => this.out.u32(7, 1));
      case 'concat':
        return this.#concat(expression, word);
      case 'map':
        this.loadKey(expression.key, word, setNamed(this.table, expression.map).interval);
        return this.lookup(checkName(expression.map), word, { dreg: register(word) });
      case 'anonymous-map':
        return this.#anonymousMap(expression, word);
      case 'bitwise':
        return this.#bitwise(expression, word);
      case 'shift':
        this.load(expression.of, word);
        return this.shift(word, expression.direction, {
          bits: whole(expression.bits, 32),
          length: this.lengthOf(expression.of),
        });
    }
  }

  #concat({ parts }: ExpressionOf<'concat'>, word: number): void {
    for (const part of parts) {
      this.load(part, word);
      word += wordsOf(this.lengthOf(part));
    }
  }

  /** Loads what is looked up in a set; `interval`: one with ranges, where the order of bytes counts. */
  loadKey(key: Expression, word: number, interval = false): void {
    this.load(key, word);
    if (!interval) return;
    for (const type of this.typesOf(key)) {
      if (isTurned(type)) this.toBigEndian(word, TYPES[type].length);
      word += wordsOf(TYPES[type].length);
    }
  }

  #anonymousMap({ key, data, elements }: ExpressionOf<'anonymous-map'>, word: number): void {
    this.loadKey(key, word, hasRanges(elements));
    const { name, setId } = this.anonymous({ key: this.typesOf(key), data, elements });
    this.lookup(name, word, { dreg: register(word), setId });
  }

  typesOf(expression: Expression): readonly ValueType[] {
    const types = typesOf(expression, this.table);
    if (!types) throw nftError('NFT_BAD_RULESET', 'a constant cannot be part of a key');
    return types;
  }

  lengthOf(expression: Expression): number {
    return lengthOf(this.typesOf(expression));
  }

  /** NFTA_PAYLOAD_*; offset and length in bytes. */
  payload({ base, offset, length }: { base: keyof typeof BASES; offset: number; length: number }, word: number): void {
    if (!Number.isInteger(offset) || !Number.isInteger(length) || offset < 0 || length < 1 || length > 16)
      throw nftError(
        'NFT_BAD_RULESET',
        `bits of a packet are read by the byte, 1 to 16 at once: ${8 * offset}, ${8 * length}`,
      );
    this.emit('payload', (out) => out.u32(1, register(word)).u32(2, BASES[base]).u32(3, offset).u32(4, length));
  }

  /** The whole bytes a field lies in, as they are in the packet. */
  bytesOf(expression: ExpressionOf<'payload' | 'extension'>, word: number) {
    if (expression.kind === 'payload') {
      const { offset, length } = fieldShape(FIELDS[expression.field]);
      return this.payload({ base: FIELDS[expression.field].base, offset, length }, word);
    }
    const info = EXTENSIONS[expression.field];
    const { offset, length } = fieldShape(info);
    this.emit('exthdr', (out) => {
      out.u32(1, register(word)).u8(2, info.number).u32(3, offset).u32(4, length);
      if (!info.type) out.u32(5, 1); // NFT_EXTHDR_F_PRESENT
      out.u32(6, EXTHDR_OPS[info.op]);
    });
  }

  /** A field's value; bits that are not whole bytes are cut out and moved to the right. */
  #field(expression: ExpressionOf<'payload' | 'extension'>, word: number): void {
    this.bytesOf(expression, word);
    const { mask, shift, length } = fieldShape(
      expression.kind === 'payload' ? FIELDS[expression.field] : EXTENSIONS[expression.field],
    );
    if (!mask) return;
    this.mask(word, mask, Buffer.alloc(mask.length));
    if (shift === 0) return;
    if (length > 1)
      throw nftError('NFT_BAD_RULESET', `${expression.field} can be compared, but not looked up or assigned`);
    this.shift(word, 'right', { bits: shift, length });
  }

  /** NFTA_SOCKET_* */
  #socket({ key, level }: ExpressionOf<'socket'>, word: number): void {
    this.emit('socket', (out) => {
      out.u32(1, SOCKET[key].key).u32(2, register(word));
      if (key === 'cgroupv2') out.u32(3, whole(level ?? 1, 32));
    });
  }

  /** NFTA_OSF_* */
  #osf({ ttl, version }: ExpressionOf<'osf'>, word: number): void {
    this.emit('osf', (out) => {
      out.u32(1, register(word));
      if (ttl) out.u8(2, OSF_TTL[ttl]);
      if (version) out.u32(3, 1);
    });
  }

  /** NFTA_FIB_*; `present` asks only whether there is a result. */
  fib({ flags, result }: ExpressionOf<'fib'>, word: number, present: boolean): void {
    const bits = flags.reduce((all, flag) => all | FIB_FLAGS[flag], present ? FIB_PRESENT : 0);
    this.emit('fib', (out) => out.u32(1, register(word)).u32(2, FIB_RESULTS[result]).u32(3, bits));
  }

  /** NFTA_NG_* */
  #numgen({ mode, modulus, offset }: ExpressionOf<'numgen'>, word: number): void {
    this.emit('numgen', (out) =>
      out
        .u32(1, register(word))
        .u32(2, whole(modulus, 32))
        .u32(3, mode === 'random' ? 1 : 0)
        .u32(4, whole(offset ?? 0, 32)),
    );
  }

  /** Jenkins' hash */
  #jhash(expression: ExpressionOf<'jhash'>, word: number): void {
    const { of, seed } = expression;
    const source = alignWord(word + 1);
    this.load(of, source);
    this.#hash(expression, word, (out) => {
      out.u32(1, register(source)).u32(3, this.lengthOf(of));
      if (seed !== undefined) out.u32(5, whole(seed, 32));
      out.u32(7, 0);
    });
  }

  /** NFTA_HASH_* */
  #hash(
    { modulus, offset }: { modulus: number; offset?: number },
    word: number,
    rest: (out: AttributeWriter) => void,
  ): void {
    this.emit('hash', (out) => {
      out.u32(2, register(word)).u32(4, whole(modulus, 32));
      if (offset) out.u32(6, whole(offset, 32));
      rest(out);
    });
  }

  #bitwise({ of, mask, xor }: ExpressionOf<'bitwise'>, word: number): void {
    const type = this.typesOf(of)[0] ?? 'mark';
    this.load(of, word);
    this.mask(word, maskBytes(type, mask), maskBytes(type, xor));
  }
}

/** A mask in the order of the type's bytes. */
export function maskBytes(type: ValueType, mask: number): Buffer {
  const { length, order } = TYPES[type];
  if (length > 4) throw nftError('NFT_BAD_RULESET', `${type} is too long for a mask, which has 4 bytes`);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(mask >>> 0);
  const low = bytes.subarray(0, length);
  return order === 'big' ? low.reverse() : low;
}
