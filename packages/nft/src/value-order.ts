import { TYPES, type ValueType } from './data-type.ts';

/** Negative, 0 or positive: numbers in the host's order are compared from their last byte on, everything else as it lies. */
export function compareValues(type: ValueType, a: Buffer, b: Buffer): number {
  if (TYPES[type].order === 'big' || a.length > 8) return Buffer.compare(a, b);
  return Buffer.compare(Buffer.from(a).reverse(), Buffer.from(b).reverse());
}
