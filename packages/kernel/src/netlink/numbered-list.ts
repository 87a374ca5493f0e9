import { readAttributes, writeAttribute } from './attribute.ts';
import { type Codec, readField } from './codec.ts';

const HEADER = 4;

/** A list whose elements are numbered by their attribute types: 1, 2, 3 ... (TCA_ACT_TAB, CTRL_ATTR_OPS). */
export function numberedList<T>(codec: Codec<T>): Codec<readonly T[]> & { readonly nested: true } {
  const name = `numbered list of ${codec.name}`;
  return {
    name,
    nested: true,
    write(out, values) {
      for (const [i, value] of values.entries()) writeAttribute(out, i + 1, codec, value);
    },
    read: (bytes) =>
      readAttributes(bytes, name).map(({ payload, at }, i) =>
        readField(codec, payload, { key: `[${i}]`, at: at + HEADER }),
      ),
  };
}
