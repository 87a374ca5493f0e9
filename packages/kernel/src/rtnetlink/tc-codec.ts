import { DecodeError } from '../errors.ts';
import type { AttributesOf, AttributeTable } from '../netlink/attribute.ts';
import type { ByteWriter } from '../netlink/byte-writer.ts';
import { type Codec, readField } from '../netlink/codec.ts';

interface FixedStruct<F> {
  readonly name: string;
  readonly size: number;
  write(out: ByteWriter, value: Partial<F>): void;
  read(bytes: Buffer): F;
}

/** A struct with attributes behind it, as one object (netem, prio of old kernels). */
export function headed<F, R>(header: FixedStruct<F>, table: AttributeTable<R>): Codec<Partial<F> & AttributesOf<R>> {
  const end = (header.size + 3) & ~3;
  return {
    name: `${header.name}, then ${table.name}`,
    write(out, value) {
      header.write(out, value);
      out.align();
      table.write(out, value);
    },
    read(bytes) {
      if (bytes.length < header.size) throw new DecodeError(`${header.name} from ${bytes.length} bytes`);
      const attributes = readField(table, bytes.subarray(end), { key: table.name, at: Math.min(end, bytes.length) });
      return { ...header.read(bytes), ...attributes };
    },
  };
}

/** A codec whose value is a part of what another codec holds. */
export function mapped<W, D>(
  codec: Codec<W>,
  { name, toWire, fromWire }: { name: string; toWire: (data: D) => W; fromWire: (wire: W) => D },
): Codec<D> {
  return {
    name,
    write: (out, value) => codec.write(out, toWire(value)),
    read: (bytes) => fromWire(codec.read(bytes)),
  };
}
