/** The whole bytes that a field of any number of bits lies in. */
export interface FieldShape {
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
  /** The field's bits among them; undefined when they are all the field's. */
  readonly mask: Buffer | undefined;
  /** Bits between the field's end and the end of the bytes. */
  readonly shift: number;
}

/** Offset and length in bits, counted as RFCs draw headers: the most significant first. */
export function fieldShape({ offset, bits }: { readonly offset: number; readonly bits: number }): FieldShape {
  const first = Math.floor(offset / 8);
  const length = Math.ceil((offset + bits) / 8) - first;
  const shift = 8 * (first + length) - offset - bits;
  const whole = bits === 8 * length;
  return {
    offset: first,
    length,
    shift,
    mask: whole ? undefined : bytesOf(((1n << BigInt(bits)) - 1n) << BigInt(shift), length),
  };
}

/** A field's value at its place among those bytes. */
export function placed({ length, shift }: FieldShape, value: Buffer): Buffer {
  return bytesOf(BigInt(`0x${value.toString('hex')}`) << BigInt(shift), length);
}

function bytesOf(n: bigint, length: number): Buffer {
  return Buffer.from(n.toString(16).padStart(2 * length, '0'), 'hex').subarray(-length);
}
