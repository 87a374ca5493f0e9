import { formatIp, type IpAddress, ipBytes, ipv4Number, tryParseIp } from '@podwire/base';
import { DecodeError, EncodeError, encodeError } from '../errors.ts';
import type { ByteWriter } from './byte-writer.ts';

/** How one kind of value is laid out in bytes. `read` gets exactly the value's bytes and throws only DecodeError. */
export interface Codec<T> {
  /** For error messages, the pretty-printer and the documentation. */
  readonly name: string;
  /** Bytes, when always the same. */
  readonly size?: number;
  /** `siblings`: what stands beside the value in its attribute table, for layouts that depend on another attribute. */
  write(out: ByteWriter, value: T, siblings?: Siblings): void;
  read(bytes: Buffer, siblings?: Siblings): T;
  /** How the pretty-printer shows it; absent: as JSON would. */
  format?(value: T): string;
  /** The bytes from here on are a key: traces of `generic` and `xfrm` print `**` instead. The pretty-printer needs `format` besides. */
  readonly secretFrom?: number;
}

export type Siblings = Readonly<Record<string, unknown>>;

export type ValueOf<C> = C extends Codec<infer T> ? T : never;

function fixed<T>(
  name: string,
  size: number,
  write: (out: ByteWriter, v: T) => void,
  read: (b: Buffer) => T,
): Codec<T> & { readonly size: number } {
  return {
    name,
    size,
    write,
    read(bytes) {
      if (bytes.length < size) throw new DecodeError(`${name} from ${bytes.length} bytes`);
      return read(bytes);
    },
  };
}

function whole(
  name: string,
  size: number,
  put: (out: ByteWriter, v: number) => void,
  get: (b: Buffer) => number,
): Codec<number> & { readonly size: number } {
  const [low, high] = name.startsWith('s')
    ? [-(2 ** (size * 8 - 1)), 2 ** (size * 8 - 1) - 1]
    : [0, 2 ** (size * 8) - 1];
  const write = (out: ByteWriter, value: number) => {
    if (!Number.isInteger(value) || value < low || value > high) throw encodeError(`${value} as ${name}`);
    put(out, value);
  };
  return fixed(name, size, write, get);
}

export const u8 = whole(
  'u8',
  1,
  (out, v) => out.u8(v),
  (b) => b.readUInt8(0),
);
export const u16 = whole(
  'u16',
  2,
  (out, v) => out.u16(v),
  (b) => b.readUInt16LE(0),
);
export const u16be = whole(
  'u16be',
  2,
  (out, v) => out.u16be(v),
  (b) => b.readUInt16BE(0),
);
export const u32 = whole(
  'u32',
  4,
  (out, v) => out.u32(v),
  (b) => b.readUInt32LE(0),
);
export const u32be = whole(
  'u32be',
  4,
  (out, v) => out.u32be(v),
  (b) => b.readUInt32BE(0),
);
export const s32 = whole(
  's32',
  4,
  (out, v) => out.s32(v),
  (b) => b.readInt32LE(0),
);
export const s8 = whole(
  's8',
  1,
  (out, v) => out.u8(v & 0xff),
  (b) => b.readInt8(0),
);
export const s16 = whole(
  's16',
  2,
  (out, v) => out.u16(v & 0xffff),
  (b) => b.readInt16LE(0),
);

function wide(
  name: string,
  put: (out: ByteWriter, v: bigint) => void,
  get: (b: Buffer) => bigint,
): Codec<bigint> & { readonly size: number } {
  const [low, limit] = name.startsWith('s') ? [-(1n << 63n), 1n << 63n] : [0n, 1n << 64n];
  const write = (out: ByteWriter, value: bigint) => {
    if (value < low || value >= limit) throw encodeError(`${value} as ${name}`);
    put(out, value);
  };
  return { ...fixed(name, 8, write, get), size: 8, format: String };
}

/** A u64 that never grows beyond what a number counts exactly: times, sizes. */
export const u53: Codec<number> & { readonly size: number } = {
  name: 'u64 below 2^53',
  size: 8,
  write(out, value) {
    if (!Number.isSafeInteger(value) || value < 0) throw encodeError(`${value} as a whole number below 2^53`);
    out.u64(BigInt(value));
  },
  read(b) {
    const value = b.length < 8 ? Number.NaN : Number(b.readBigUInt64LE(0));
    if (!Number.isSafeInteger(value)) throw new DecodeError(`a u64 below 2^53 from ${b.length} bytes`);
    return value;
  },
};

export const u64 = wide(
  'u64',
  (out, v) => out.u64(v),
  (b) => b.readBigUInt64LE(0),
);
export const u64be = wide(
  'u64be',
  (out, v) => out.u64be(v),
  (b) => b.readBigUInt64BE(0),
);
export const s64 = wide(
  's64',
  (out, v) => out.u64(BigInt.asUintN(64, v)),
  (b) => b.readBigInt64LE(0),
);

export const bool = fixed<boolean>(
  'bool',
  1,
  (out, v) => out.u8(v ? 1 : 0),
  (b) => b.readUInt8(0) !== 0,
);

/** An attribute that says something by being there. */
export const flag: Codec<true> = { name: 'flag', write: () => {}, read: () => true, format: () => '' };

/** Text with a zero byte at its end; read stops at the first zero byte or at the end. */
export const text: Codec<string> = {
  name: 'text',
  write(out, value) {
    if (value.includes('\0')) throw encodeError(`text with a zero byte: ${JSON.stringify(value)}`);
    out.text(value);
    out.u8(0);
  },
  read(bytes) {
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
  },
};

export const bytes: Codec<Uint8Array> = {
  name: 'bytes',
  write: (out, v) => out.raw(v),
  read: (b) => b,
  format: (v) => (v.length === 0 ? '(empty)' : Buffer.from(v).toString('hex')),
};

/** Hardware address as `ee:ee:ee:ee:ee:ee`; other lengths occur (InfiniBand 20, tunnels 4). */
export const mac: Codec<string> = {
  name: 'mac',
  format: String,
  write(out, value) {
    if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2})*$/.test(value)) throw encodeError(`"${value}" as a MAC address`);
    out.raw(Buffer.from(value.replaceAll(':', ''), 'hex'));
  },
  read: (b) => b.toString('hex').replace(/(..)(?=.)/g, '$1:'),
};

/** 4 or 16 bytes in network order. */
export const ip: Codec<IpAddress> = {
  format: String,
  name: 'ip',
  write(out, value) {
    const v4 = ipv4Number(value);
    const v6 = v4 < 0 ? tryParseIp(value) : undefined;
    if (v4 >= 0) out.u32be(v4);
    else if (v6 !== undefined) out.raw(ipBytes(v6));
    else throw encodeError(`"${value}" as an IP address`);
  },
  read(b) {
    if (b.length !== 4 && b.length !== 16) throw new DecodeError(`an IP address from ${b.length} bytes`);
    return formatIp(b);
  },
};

/** Unused bytes inside a struct. */
export function pad(size: number): Codec<undefined> {
  return { name: 'pad', size, write: (out) => out.zeros(size), read: () => undefined };
}

/** `size` bytes as they are; shorter ones are filled up with zeros. */
export function blob(size: number): Codec<Uint8Array> {
  const name = `${size} bytes`;
  const write = (out: ByteWriter, value: Uint8Array) => {
    if (value.length > size) throw encodeError(`${value.length} bytes as ${name}`);
    out.raw(value);
    out.zeros(size - value.length);
  };
  return fixed(name, size, write, (b) => b.subarray(0, size));
}

/** Text in a C array of `size` bytes, at least one of them zero. */
export function fixedText(size: number): Codec<string> {
  const name = `text of at most ${size - 1} bytes`;
  const write = (out: ByteWriter, value: string) => {
    const length = Buffer.byteLength(value);
    if (length >= size || value.includes('\0')) throw encodeError(`${JSON.stringify(value)} as ${name}`);
    out.text(value);
    out.zeros(size - length);
  };
  return fixed(name, size, write, (b) => text.read(b.subarray(0, size)));
}

/** Items one after another until the bytes end. */
export function array<T>(item: Codec<T> & { readonly size: number }): Codec<readonly T[]> {
  const name = `array of ${item.name}`;
  return {
    name,
    write(out, values) {
      for (const value of values) item.write(out, value);
    },
    read(b) {
      if (b.length % item.size !== 0) throw new DecodeError(`${name} from ${b.length} bytes`);
      const count = b.length / item.size;
      return Array.from({ length: count }, (_, i) => item.read(b.subarray(i * item.size, (i + 1) * item.size)));
    },
  };
}

type Names = Readonly<Record<string, number>>;

/** Own words only: `constructor` is none. */
function numberOf(names: Names, word: string): number | undefined {
  return Object.hasOwn(names, word) ? names[word] : undefined;
}

/** A number that stands for a word; numbers without one stay numbers. */
export function named<const N extends Names>(number: Codec<number>, names: N): Codec<(keyof N & string) | number> {
  const words = new Map(Object.entries(names).map(([word, value]) => [value, word]));
  return {
    ...number,
    name: `${number.name}: ${Object.keys(names).join(' | ')}`,
    write(out, value) {
      const coded = typeof value === 'number' ? value : numberOf(names, value);
      if (coded === undefined) throw encodeError(`"${value}"; known are ${Object.keys(names).join(', ')}`);
      number.write(out, coded);
    },
    read(b) {
      const value = number.read(b);
      return words.get(value) ?? value;
    },
    format: (value) => String(value),
  };
}

/** A number whose bits stand for words; bits without one come as one number at the end of the list. */
export function bits<const N extends Names>(
  number: Codec<number>,
  names: N,
): Codec<readonly ((keyof N & string) | number)[]> {
  const rows = Object.entries(names);
  return {
    ...number,
    name: `${number.name}, bits: ${Object.keys(names).join(' | ')}`,
    write(out, words) {
      let all = 0;
      for (const word of words) {
        const bit = typeof word === 'number' ? word : numberOf(names, word);
        if (bit === undefined || !Number.isInteger(bit))
          throw encodeError(`"${word}"; known are ${Object.keys(names).join(', ')}`);
        all = (all | bit) >>> 0;
      }
      number.write(out, all);
    },
    read(b) {
      let rest = number.read(b);
      const words: (string | number)[] = [];
      for (const [word, bit] of rows) {
        if (bit === 0 || (rest & bit) >>> 0 !== bit >>> 0) continue;
        words.push(word);
        rest = (rest & ~bit) >>> 0;
      }
      return rest === 0 ? words : [...words, rest];
    },
    format: (words) => words.join(' '),
  };
}

type StructFields = Readonly<Record<string, Codec<never> | Codec<unknown>>>;
type FieldValues<F extends StructFields> = {
  [K in keyof F as ValueOf<F[K]> extends undefined ? never : K]: ValueOf<F[K]>;
};

export interface Struct<F extends StructFields> {
  readonly name: string;
  readonly size: number;
  /** Fields that are left out are zero. */
  write(out: ByteWriter, value: Partial<FieldValues<F>>): void;
  read(bytes: Buffer): FieldValues<F>;
}

/** A C struct, fields in the order written; each has a codec of fixed size, `pad` stands where the compiler puts holes. */
export function struct<const F extends StructFields>(name: string, fields: F): Struct<F> {
  const entries = Object.entries(fields).map(([key, codec]) => {
    if (codec.size === undefined) throw encodeError(`field ${key} of struct ${name}: ${codec.name} has no fixed size`);
    return { key, codec: codec as Codec<unknown>, size: codec.size };
  });
  const size = entries.reduce((sum, field) => sum + field.size, 0);
  return {
    name,
    size,
    write(out, value) {
      const given = value as Record<string, unknown>;
      for (const field of entries) {
        if (given[field.key] === undefined) out.zeros(field.size);
        else writeField(out, field, given[field.key]);
      }
    },
    read(b) {
      if (b.length < size) throw new DecodeError(`${name} from ${b.length} bytes`);
      const result: Record<string, unknown> = {};
      let at = 0;
      for (const { key, codec, size: length } of entries) {
        const value = readField(codec, b.subarray(at, at + length), { key, at });
        if (value !== undefined) result[key] = value;
        at += length;
      }
      return result as FieldValues<F>;
    },
  };
}

/** Writes a value inside a larger one; its EncodeError tells the whole path. */
function writeField(
  out: ByteWriter,
  field: { readonly key: string; readonly codec: Codec<unknown> },
  value: unknown,
): void {
  try {
    field.codec.write(out, value);
  } catch (error) {
    throw error instanceof EncodeError ? error.within(field.key) : error;
  }
}

/** Reads a value at a place inside a larger one; its DecodeError tells the whole path and offset. */
export function readField<T>(
  codec: Codec<T>,
  payload: Buffer,
  place: { readonly key: string; readonly at: number },
  siblings?: Siblings,
): T {
  try {
    return codec.read(payload, siblings);
  } catch (error) {
    throw error instanceof DecodeError ? error.within(place.key, place.at) : error;
  }
}
