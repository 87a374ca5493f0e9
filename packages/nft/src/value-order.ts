import { TYPES, type ValueType } from './data-type.ts';

/** Numbers in the host's order: where the kernel compares by memcmp, as in sets with ranges, they stand turned round. */
export function isTurned(type: ValueType): boolean {
  const { order, length } = TYPES[type];
  return order === 'host' && length > 1 && length <= 8;
}

/** Negative, 0 or positive: numbers in the host's order are compared from their last byte on, everything else as it lies. */
export function compareValues(type: ValueType, a: Buffer, b: Buffer): number {
  if (!isTurned(type)) return Buffer.compare(a, b);
  return Buffer.compare(Buffer.from(a).reverse(), Buffer.from(b).reverse());
}
