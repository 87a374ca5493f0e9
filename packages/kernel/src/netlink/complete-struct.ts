import { type Codec, type Struct, struct } from './codec.ts';

type Fields = Parameters<typeof struct>[1];
type Read<S> = S extends { read(bytes: Buffer): infer T } ? T : never;

/** A C struct as `struct` declares it, of which every field has to be given when it is written. */
export function completeStruct<const F extends Fields>(
  name: string,
  fields: F,
): Codec<Read<Struct<F>>> & { readonly size: number } {
  return struct(name, fields) as unknown as Codec<Read<Struct<F>>> & { readonly size: number };
}
