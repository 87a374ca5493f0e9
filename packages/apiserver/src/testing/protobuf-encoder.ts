type Value = string | number | bigint | boolean | Buffer;
/** Field number to its value, or to a list of values of a repeated field. Messages are buffers. */
export type Fields = Readonly<Record<number, Value | readonly Value[]>>;

/** Writes a message as Go does: numbers in two's complement of 64 bits, lists not packed. */
export function message(fields: Fields): Buffer {
  const parts = Object.entries(fields).flatMap(([number, value]) =>
    (Array.isArray(value) ? (value as readonly Value[]) : [value as Value]).map((one) => encoded(Number(number), one)),
  );
  return Buffer.concat(parts);
}

/** One entry of a map. */
export function entry(key: string, value: Value): Buffer {
  return message({ 1: key, 2: value });
}

export function envelope(apiVersion: string, kind: string, raw: Buffer): Buffer {
  const unknown = message({ 1: message({ 1: apiVersion, 2: kind }), 2: raw, 3: '', 4: '' });
  return Buffer.concat([Buffer.from('k8s\0', 'latin1'), unknown]);
}

function encoded(number: number, value: Value): Buffer {
  if (typeof value === 'string' || Buffer.isBuffer(value)) {
    const bytes = Buffer.from(value as string);
    return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
  }
  return Buffer.concat([varint(number * 8), varint(value)]);
}

export function varint(value: number | bigint | boolean): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}
