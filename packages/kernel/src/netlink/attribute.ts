import { DecodeError, EncodeError, encodeError } from '../errors.ts';
import { ByteWriter } from './byte-writer.ts';
import { type Codec, readField, type Siblings, type ValueOf } from './codec.ts';

/**
 * Netlink attributes (netlink(7), libnl "Attributes"): length, type, payload, padded to four bytes.
 *
 *   0        2        4
 *   +--------+--------+----------------+
 *   | length | type   | payload ... pad|     length counts the header, not the padding
 *   +--------+--------+----------------+
 *
 * One table of rows is the only place that knows a family's attributes:
 *
 *   attributes('link', { name: [3, text, 'IFLA_IFNAME'], ... })
 *        │            │           │              │
 *        ▼            ▼           ▼              ▼
 *   AttributesOf    write()     read()     formatAttributes, describeAttributes
 *   (the type)
 */
const HEADER = 4;
export const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** One row of an attribute table: the kernel's number, how the payload is laid out, the kernel's name for it. */
export type AttributeRow = readonly [type: number, codec: Codec<never> | Codec<unknown>, constant?: string];
export type AttributeRows = Readonly<Record<string, AttributeRow>>;

/** What a table's attributes look like as an object: every one may be absent. */
export type AttributesOf<R> = {
  -readonly [K in keyof R]?: (R[K] extends readonly [number, infer C, ...unknown[]] ? ValueOf<C> : never) | undefined;
} & {
  /** Attributes the table has no row for, as bytes; written back behind the known ones. */
  unknown?: readonly RawAttribute[] | undefined;
};

/** An attribute table: encoder, decoder, pretty-printer and documentation come from its rows. */
export interface AttributeTable<R> extends Codec<AttributesOf<R>> {
  readonly nested: true;
  readonly rows: R;
}

/** What a codec is made of at run time, for code that walks tables; each part belongs to one kind of codec only. */
interface CodecParts {
  /** Of attributes(). */
  readonly rows?: AttributeRows;
  /** Of listOf(). */
  readonly element?: AttributeRow[1];
  /** Of repeated(). */
  readonly item?: AttributeRow[1];
  /** Of selectedBy(). */
  readonly dependsOn?: string;
  readonly choices?: Choices;
}

export function codecParts(codec: AttributeRow[1]): CodecParts {
  return codec as unknown as CodecParts;
}

export interface RawAttribute {
  readonly type: number;
  /** NLA_F_NESTED and NLA_F_NET_BYTEORDER, as they stood. */
  readonly flags: number;
  readonly payload: Buffer;
}

/** With the offset of its header in the run of attributes. */
export interface PlacedAttribute extends RawAttribute {
  readonly at: number;
}

interface Entry {
  readonly key: string;
  readonly type: number;
  readonly codec: Codec<unknown>;
}

/** Declares a table, e.g. `attributes('link', { mtu: [4, u32, 'IFLA_MTU'] })`; written in the order of its rows. */
export function attributes<const R extends AttributeRows>(name: string, rows: R): AttributeTable<R> {
  const entries = Object.entries(rows).map(
    ([key, [type, codec]]): Entry => ({ key, type, codec: codec as Codec<unknown> }),
  );
  const byType = new Map(entries.map((entry) => [entry.type, entry]));
  return {
    name,
    nested: true,
    rows,
    write(out, value) {
      const given = value as Record<string, unknown>;
      for (const entry of entries) if (given[entry.key] !== undefined) writeEntry(out, entry, given);
      for (const raw of value.unknown ?? []) writeAttribute(out, raw.type | raw.flags, asBytes, raw.payload);
    },
    read: (bytes) => readTable(bytes, name, byType) as AttributesOf<R>,
  };
}

function writeEntry(out: ByteWriter, { key, type, codec }: Entry, given: Siblings): void {
  const value = given[key];
  try {
    if (!isRepeated(codec)) writeAttribute(out, type, codec, value, given);
    else for (const item of value as readonly unknown[]) writeAttribute(out, type, codec.item, item, given);
  } catch (error) {
    throw error instanceof EncodeError ? error.within(key) : error;
  }
}

function readTable(bytes: Buffer, name: string, byType: ReadonlyMap<number, Entry>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const unknown: RawAttribute[] = [];
  let later: PlacedAttribute[] | undefined;
  for (const attribute of readAttributes(bytes, name)) {
    const entry = byType.get(attribute.type);
    if (!entry) unknown.push({ type: attribute.type, flags: attribute.flags, payload: attribute.payload });
    else if ('dependsOn' in entry.codec) later = [...(later ?? []), attribute];
    else readEntry(result, entry, attribute);
  }
  for (const attribute of later ?? []) {
    const entry = byType.get(attribute.type);
    if (entry) readEntry(result, entry, attribute);
  }
  if (unknown.length > 0) result.unknown = unknown;
  return result;
}

function readEntry(
  result: Record<string, unknown>,
  { key, codec }: Entry,
  attribute: { readonly payload: Buffer; readonly at: number },
): void {
  const place = { key, at: attribute.at + HEADER };
  if (!isRepeated(codec)) result[key] = readField(codec, attribute.payload, place, result);
  else {
    const item = readField(codec.item, attribute.payload, place, result);
    const before = result[key] as unknown[] | undefined;
    if (before) before.push(item);
    else result[key] = [item];
  }
}

/** An attribute that may stand several times in a table; the value is the list of all. */
export interface Repeated<T> extends Codec<readonly T[]> {
  readonly item: Codec<T>;
}

export function repeated<T>(item: Codec<T>): Repeated<T> {
  const alone = (): never => {
    throw encodeError(`repeated ${item.name} outside of an attribute table`);
  };
  return { name: `several ${item.name}`, item, write: alone, read: alone };
}

function isRepeated(codec: Codec<unknown>): codec is Repeated<unknown> {
  return 'item' in codec;
}

export interface ListOf<T> extends Codec<readonly T[]> {
  readonly nested: true;
  readonly element: Codec<T>;
}

/** A list whose elements are attributes of one type number, as in nftables' and multipath lists. */
export function listOf<T>(elementType: number, codec: Codec<T>): ListOf<T> {
  const name = `list of ${codec.name}`;
  return {
    name,
    nested: true,
    write(out, values) {
      for (const value of values) writeAttribute(out, elementType, codec, value);
    },
    read: (bytes) =>
      readAttributes(bytes, name).map(({ payload, at }, i) =>
        readField(codec, payload, { key: `[${i}]`, at: at + HEADER }),
      ),
    element: codec,
  };
}

type Choices = Readonly<Record<string, Codec<never> | Codec<unknown>>>;

/** A value laid out as the attribute `key` beside it says: link kinds, nftables expressions. */
export interface Selected<C extends Choices> extends Codec<ValueOf<C[keyof C]> | Uint8Array> {
  readonly dependsOn: string;
  readonly choices: C;
}

/** `selectedBy('kind', { vxlan: vxlanData })`: unknown words leave bytes, and bytes are written as they are. */
export function selectedBy<const C extends Choices>(key: string, choices: C): Selected<C> & { readonly nested: true } {
  type Value = ValueOf<C[keyof C]> | Uint8Array;
  const codecFor = (siblings: Siblings | undefined) => {
    const word = siblings?.[key];
    const known = typeof word === 'string' && Object.hasOwn(choices, word);
    return known ? (choices[word] as unknown as Codec<Value>) : undefined;
  };
  return {
    name: `what ${key} says`,
    nested: true,
    dependsOn: key,
    choices,
    write(out, value, siblings) {
      const codec = codecFor(siblings);
      if (value instanceof Uint8Array) out.raw(value);
      else if (codec) codec.write(out, value);
      else
        throw encodeError(`${key} "${siblings?.[key]}" from an object; known are ${Object.keys(choices).join(', ')}`);
    },
    read: (b, siblings) => codecFor(siblings)?.read(b) ?? b,
  };
}

/** The attributes alone, for payloads that are put together by hand. */
export function encodeAttributes<R>(table: AttributeTable<R>, values: AttributesOf<R>): Buffer {
  const out = new ByteWriter();
  table.write(out, values);
  return out.finish();
}

/** Attributes that are encoded already or are to be decoded later, see encodeAttributes. */
export const encoded: Codec<Uint8Array> & { readonly nested: true } = {
  name: 'encoded attributes',
  nested: true,
  write: (out, value) => out.raw(value),
  read: (payload) => payload,
  format: (value) => Buffer.from(value).toString('hex'),
};

const asBytes: Codec<Uint8Array> = { name: 'unknown attribute', write: (out, v) => out.raw(v), read: (b) => b };

/** Writes one attribute; payloads of nested tables get the NESTED flag, which nftables demands. */
export function writeAttribute<T>(out: ByteWriter, type: number, codec: Codec<T>, value: T, siblings?: Siblings): void {
  const start = out.length;
  out.u16(0);
  out.u16('nested' in codec ? type | NLA_F_NESTED : type);
  codec.write(out, value, siblings);
  const length = out.length - start;
  if (length > 0xffff) throw encodeError(`attribute ${type} (${codec.name}) of ${length} bytes; at most 65,535 fit`);
  out.patchU16(start, length);
  out.align();
}

/** Splits a run of attributes; `what` names them in the DecodeError thrown when lengths do not add up. */
export function readAttributes(bytes: Buffer, what: string): PlacedAttribute[] {
  const result: PlacedAttribute[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER) {
    const length = bytes.readUInt16LE(at);
    if (length < HEADER || at + length > bytes.length)
      throw new DecodeError(`${what}: an attribute of length ${length}`, { offset: at });
    const type = bytes.readUInt16LE(at + 2);
    const payload = bytes.subarray(at + HEADER, at + length);
    result.push({ type: type & NLA_TYPE_MASK, flags: type & ~NLA_TYPE_MASK, payload, at });
    at += (length + 3) & ~3;
  }
  return result;
}
