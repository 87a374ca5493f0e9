import { nftError } from './errors.ts';

/** What is known of a data type: datatype.h of nft for the number, nft(8) DATA TYPES for the text. */
export interface TypeInfo {
  /** nft's own number; concatenations are 6 bits a part. */
  readonly number: number;
  readonly length: number;
  /** Ordering in the kernel is by memcmp, so ranges exist for big-endian types only. */
  readonly order: 'big' | 'host';
  /** Several values combine with a comma and match any of their bits. */
  readonly flags?: boolean;
  encode(value: string | number): Buffer;
  /** Writes most single values straight to where they belong; false for those that take `encodeValue`. */
  write(bytes: Buffer, at: number, value: string | number): boolean;
  decode(bytes: Buffer): string | number;
  /** nft syntax of the value. */
  format(value: string | number): string;
  /** nft syntax of an end of a range, where names with a hyphen would be misread. */
  formatEnd?(value: string | number): string;
}

export function bad(value: unknown, wanted: string): never {
  throw nftError('NFT_BAD_VALUE', `${JSON.stringify(value)} is not ${wanted}`);
}

/** The least significant `length` bytes; numbers above 6 bytes go through bigint. */
export function writeNumber(value: number | bigint, length: number, order: 'big' | 'host'): Buffer {
  const buffer = Buffer.alloc(length);
  let rest = BigInt(value);
  for (let i = 0; i < length; i++, rest >>= 8n) buffer[order === 'big' ? length - 1 - i : i] = Number(rest & 255n);
  return buffer;
}

/** Numbers beyond 2^53 as decimal text. */
export function readNumber(bytes: Buffer, length: number, order: 'big' | 'host'): number | string {
  if (length <= 6) return order === 'big' ? bytes.readUIntBE(0, length) : bytes.readUIntLE(0, length);
  let all = 0n;
  for (let i = 0; i < length; i++) all = (all << 8n) | BigInt(bytes[order === 'big' ? i : length - 1 - i] ?? 0);
  return all <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(all) : String(all);
}

type Put = (bytes: Buffer, at: number, n: number) => void;
const put8: Put = (bytes, at, n) => {
  bytes[at] = n;
};
/** The lengths that most values have. */
const PUT: Readonly<Record<'big' | 'host', Readonly<Partial<Record<number, Put>>>>> = {
  big: { 1: put8, 2: (b, at, n) => b.writeUInt16BE(n, at), 4: (b, at, n) => b.writeUInt32BE(n, at) },
  host: { 1: put8, 2: (b, at, n) => b.writeUInt16LE(n, at), 4: (b, at, n) => b.writeUInt32LE(n, at) },
};

export interface NumberShape {
  readonly number: number;
  readonly length: number;
  readonly order: 'big' | 'host';
  /** Where the values need fewer than all bits. */
  readonly bits?: number;
  readonly names?: Readonly<Record<string, number>>;
  readonly hex?: boolean;
  readonly flags?: boolean;
}

export const NUMBER = /^(0x[0-9a-f]+|\d+)$/i;

/** A number with optional names; decode prefers the name. */
export function numeric(shape: NumberShape): TypeInfo {
  const { number, length, order, names = {}, flags = false } = shape;
  const byNumber = new Map<number | string, string>(Object.entries(names).map(([name, n]) => [n, name]));
  const toNumber = reader(shape);
  const format = printer(shape);
  const write = writer(shape);
  return {
    number,
    length,
    order,
    ...(flags && { flags }),
    encode(value) {
      const bytes = Buffer.alloc(length);
      return write(bytes, 0, value) ? bytes : writeNumber(toNumber(value), length, order);
    },
    write,
    decode(bytes) {
      const n = readNumber(bytes, length, order);
      return byNumber.get(n) ?? n;
    },
    format: (value) => format(toNumber(value)),
    formatEnd: (value) => printNumber(shape, toNumber(value)),
  };
}

/** Takes numbers, decimal or hexadecimal text, names, and with `flags` several of them with commas. */
function reader({ length, names = {}, flags = false, bits = 8 * length }: NumberShape) {
  const known = Object.keys(names);
  const wanted = `a number below 2^${bits}${known.length ? ` or one of ${known.join(' ')}` : ''}`;
  const one = (value: string | number): bigint => {
    if (typeof value === 'number')
      return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : bad(value, wanted);
    const named = Object.hasOwn(names, value) ? names[value] : undefined;
    return named !== undefined ? BigInt(named) : NUMBER.test(value) ? BigInt(value) : bad(value, wanted);
  };
  return (value: string | number): bigint => {
    const parts = flags && typeof value === 'string' ? value.split(',') : [value];
    const n = parts.reduce<bigint>((all, part) => all | one(part), 0n);
    return n < 1n << BigInt(bits) ? n : bad(value, wanted);
  };
}

function printer(shape: NumberShape) {
  const byNumber = new Map(Object.entries(shape.names ?? {}).map(([name, n]) => [n, name]));
  return (n: bigint): string => {
    const name = byNumber.get(Number(n));
    if (name !== undefined || !shape.flags) return name ?? printNumber(shape, n);
    const set = [...byNumber].filter(([bit]) => (n & BigInt(bit)) !== 0n);
    const known = set.reduce((all, [bit]) => all | BigInt(bit), 0n);
    return known === n && n > 0n ? set.map(([, text]) => text).join(',') : `0x${n.toString(16)}`;
  };
}

const printNumber = ({ hex, length }: NumberShape, n: bigint): string =>
  hex ? `0x${n.toString(16).padStart(2 * length, '0')}` : String(n);

/** See `TypeInfo.write`. */
function writer({ length, order, names = {}, bits = 8 * length }: NumberShape): TypeInfo['write'] {
  const limit = 2 ** bits;
  const put = PUT[order][length];
  const known = new Map(Object.entries(names));
  return (bytes, at, value) => {
    const n = typeof value === 'number' ? value : known.get(value);
    if (!put || n === undefined || !Number.isInteger(n) || n < 0 || n >= limit) return false;
    put(bytes, at, n);
    return true;
  };
}

/** A type without a quicker way. */
export function plain(type: Omit<TypeInfo, 'write'>): TypeInfo {
  return { ...type, write: () => false };
}
