import { parse } from '@marcbachmann/cel-js';

/** The library's unsigned integer, which it does not export. */
interface Unsigned {
  readonly value: bigint;
}
export type Whole = bigint | Unsigned;
export type Numeric = Whole | number;

const UNSIGNED = (parse('0u')() as object).constructor as new (value: bigint) => Unsigned;

export const LEAST_INT = -(2n ** 63n);

export function isUnsigned(value: unknown): value is Unsigned {
  return value instanceof UNSIGNED;
}

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'bigint' || typeof value === 'number' || isUnsigned(value);
}

/** To compare and calculate with. */
export const plainNumber = (value: Numeric): bigint | number => (isUnsigned(value) ? value.value : value);

/** The lowest 64 bits, of the type that `like` is of. */
export function wrapped(value: bigint, like: Whole): Whole {
  return isUnsigned(like) ? new UNSIGNED(BigInt.asUintN(64, value)) : BigInt.asIntN(64, value);
}
