import type { AttributesOf, AttributeTable } from '../netlink/attribute.ts';
import type { ByteWriter } from '../netlink/byte-writer.ts';
import { type Codec, mac, readField } from '../netlink/codec.ts';

/** A C struct of fixed size, see struct(). */
interface FixedLayout<H> {
  readonly name: string;
  readonly size: number;
  write(out: ByteWriter, value: Partial<H>): void;
  read(bytes: Buffer): H;
}

/** A struct that later kernels made longer: what an older one leaves out is zero, what a newer one adds is dropped. */
export function growing<H>(layout: FixedLayout<H>): Codec<Partial<H>> {
  const { name, size } = layout;
  const grown = (b: Buffer) => (b.length < size ? Buffer.concat([b, Buffer.alloc(size - b.length)]) : b);
  return { name, size, write: (out, value) => layout.write(out, value), read: (b) => layout.read(grown(b)) };
}

/** A fixed header, then attributes: a message inside an attribute, or options that grew (netem). A header of zeros is left out. */
export interface Headed<H, R> extends Codec<{ readonly header?: Partial<H> } & AttributesOf<R>> {
  readonly header: FixedLayout<H>;
  readonly table: AttributeTable<R>;
}

export function headed<H, R>(header: FixedLayout<H>, table: AttributeTable<R>): Headed<H, R> {
  return {
    name: `${header.name}, ${table.name}`,
    header,
    table,
    write(out, value) {
      header.write(out, value.header ?? {});
      table.write(out, value);
    },
    read(b) {
      const fixed = header.read(b);
      const rest = readField(table, b.subarray(header.size), { key: table.name, at: header.size });
      return Object.values(fixed as object).some((v) => v !== 0) ? { header: fixed, ...rest } : rest;
    },
  };
}

/** An Ethernet address inside a struct. */
export const ethernet: Codec<string> & { readonly size: number } = { ...mac, size: 6 };

/** Asked for by an attribute without payload, told by a byte (IFLA_VXLAN_TTL_INHERIT). */
export const flagOrByte: Codec<boolean> = {
  name: 'flag, or byte',
  write(out, value) {
    if (!value) out.u8(0);
  },
  read: (b) => b.length === 0 || b[0] !== 0,
};
