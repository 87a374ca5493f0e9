import { formatIp, type IpAddress, ipBytes } from '@podwire/base';
import { DecodeError, encodeError } from '../errors.ts';
import type { ByteWriter } from './byte-writer.ts';

/** How one kind of value is laid out in bytes. `read` gets exactly the value's bytes and throws only DecodeError. */
export interface Codec<T> {
  /** For error messages. */
  readonly name: string;
  /** Bytes, when always the same. */
  readonly size?: number;
  write(out: ByteWriter, value: T): void;
  read(bytes: Buffer): T;
}

export type ValueOf<C> = C extends Codec<infer T> ? T : never;

function fixed<T>(
  name: string,
  size: number,
  write: (out: ByteWriter, v: T) => void,
  read: (b: Buffer) => T,
): Codec<T> {
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
): Codec<number> {
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
export const u64: Codec<bigint> = fixed(
  'u64',
  8,
  (out, v) => out.u64(v),
  (b) => b.readBigUInt64LE(0),
);

export const bool: Codec<boolean> = fixed(
  'bool',
  1,
  (out, v) => out.u8(v ? 1 : 0),
  (b) => b.readUInt8(0) !== 0,
);

/** An attribute that says something by being there. */
export const flag: Codec<true> = { name: 'flag', write: () => {}, read: () => true };

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

export const bytes: Codec<Uint8Array> = { name: 'bytes', write: (out, v) => out.raw(v), read: (b) => b };

/** Hardware address as `ee:ee:ee:ee:ee:ee`; other lengths occur (InfiniBand 20, tunnels 4). */
export const mac: Codec<string> = {
  name: 'mac',
  write(out, value) {
    if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2})*$/.test(value)) throw encodeError(`"${value}" as a MAC address`);
    out.raw(Buffer.from(value.replaceAll(':', ''), 'hex'));
  },
  read: (b) => b.toString('hex').replace(/(..)(?=.)/g, '$1:'),
};

/** 4 or 16 bytes in network order. */
export const ip: Codec<IpAddress> = {
  name: 'ip',
  write: (out, value) => out.raw(ipBytes(value)),
  read(b) {
    if (b.length !== 4 && b.length !== 16) throw new DecodeError(`an IP address from ${b.length} bytes`);
    return formatIp(b);
  },
};

/** Unused bytes inside a struct. */
export function pad(size: number): Codec<undefined> {
  return { name: 'pad', size, write: (out) => out.zeros(size), read: () => undefined };
}

type StructFields = Readonly<Record<string, Codec<number> | Codec<undefined>>>;
type NumberFields<F extends StructFields> = { [K in keyof F as F[K] extends Codec<number> ? K : never]: number };

export interface Struct<F extends StructFields> {
  readonly name: string;
  readonly size: number;
  /** Fields that are left out are zero. */
  write(out: ByteWriter, value: Partial<NumberFields<F>>): void;
  read(bytes: Buffer): NumberFields<F>;
}

/** A C struct of numbers, fields in the order written. */
export function struct<const F extends StructFields>(name: string, fields: F): Struct<F> {
  const entries = Object.entries(fields).map(([key, codec]) => ({
    key,
    codec: codec as Codec<number>,
    size: codec.size ?? 0,
  }));
  const size = entries.reduce((sum, field) => sum + field.size, 0);
  return {
    name,
    size,
    write(out, value) {
      const given = value as Record<string, number | undefined>;
      for (const { key, codec } of entries) codec.write(out, given[key] ?? 0);
    },
    read(b) {
      if (b.length < size) throw new DecodeError(`${name} from ${b.length} bytes`);
      const result: Record<string, number> = {};
      let at = 0;
      for (const { key, codec, size: length } of entries) {
        const value = codec.read(b.subarray(at, at + length)) as number | undefined;
        if (value !== undefined) result[key] = value;
        at += length;
      }
      return result as NumberFields<F>;
    },
  };
}
