import { DecodeError, encodeError } from '../errors.ts';
import { ByteWriter } from './byte-writer.ts';
import type { Codec, ValueOf } from './codec.ts';

/**
 * Netlink attributes (netlink(7), libnl "Attributes"): length, type, payload, padded to four bytes.
 *
 *   0        2        4
 *   +--------+--------+----------------+
 *   | length | type   | payload ... pad|     length counts the header, not the padding
 *   +--------+--------+----------------+
 */
const HEADER = 4;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** One row of an attribute table: the kernel's number and how the payload is laid out. */
export type AttributeRow = readonly [type: number, codec: Codec<never>];
export type AttributeRows = Readonly<Record<string, readonly [number, Codec<never> | Codec<unknown>]>>;

/** What a table's attributes look like as an object: every one may be absent. */
export type AttributesOf<R> = {
  -readonly [K in keyof R]?: (R[K] extends readonly [number, infer C] ? ValueOf<C> : never) | undefined;
};

/** An attribute table: encoder and decoder come from its rows. Unknown attributes are skipped on reading. */
export interface AttributeTable<R> extends Codec<AttributesOf<R>> {
  readonly nested: true;
}

/** Declares a table, e.g. `attributes('link', { ifname: [3, text], mtu: [4, u32] })`; written in the order of its rows. */
export function attributes<const R extends AttributeRows>(name: string, rows: R): AttributeTable<R> {
  const entries = Object.entries(rows).map(([key, [type, codec]]) => ({ key, type, codec: codec as Codec<unknown> }));
  const byType = new Map(entries.map((entry) => [entry.type, entry]));
  return {
    name,
    nested: true,
    write(out, value) {
      const given = value as Record<string, unknown>;
      for (const { key, type, codec } of entries) {
        if (given[key] !== undefined) writeAttribute(out, type, codec, given[key]);
      }
    },
    read(bytes) {
      const result: Record<string, unknown> = {};
      for (const { type, payload } of readAttributes(bytes, name)) {
        const row = byType.get(type);
        if (row) result[row.key] = row.codec.read(payload);
      }
      return result as AttributesOf<R>;
    },
  };
}

/** A list whose elements are attributes of one type number, as in nftables' and multipath lists. */
export function listOf<T>(elementType: number, codec: Codec<T>): Codec<readonly T[]> & { readonly nested: true } {
  return {
    name: `list of ${codec.name}`,
    nested: true,
    write(out, values) {
      for (const value of values) writeAttribute(out, elementType, codec, value);
    },
    read: (bytes) => readAttributes(bytes, codec.name).map(({ payload }) => codec.read(payload)),
  };
}

/** The attributes alone, for payloads whose table depends on another attribute (link kinds, nftables expressions). */
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
};

/** Writes one attribute; payloads of nested tables get the NESTED flag, which nftables demands. */
export function writeAttribute<T>(out: ByteWriter, type: number, codec: Codec<T>, value: T): void {
  const start = out.length;
  out.u16(0);
  out.u16('nested' in codec ? type | NLA_F_NESTED : type);
  codec.write(out, value);
  const length = out.length - start;
  if (length > 0xffff) throw encodeError(`attribute ${type} (${codec.name}) of ${length} bytes; at most 65,535 fit`);
  out.patchU16(start, length);
  out.align();
}

export interface RawAttribute {
  readonly type: number;
  readonly payload: Buffer;
}

/** Splits a run of attributes; `what` names them in the DecodeError thrown when lengths do not add up. */
export function readAttributes(bytes: Buffer, what: string): RawAttribute[] {
  const result: RawAttribute[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER) {
    const length = bytes.readUInt16LE(at);
    if (length < HEADER || at + length > bytes.length)
      throw new DecodeError(`${what}: attribute of length ${length} at ${at}`);
    result.push({
      type: bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK,
      payload: bytes.subarray(at + HEADER, at + length),
    });
    at += (length + 3) & ~3;
  }
  return result;
}
