import { isQuantity } from '@podwire/kube';

/** A billion to one: the least a quantity can tell. */
const ONE = 1_000_000_000n;
const LARGEST_INT = 2n ** 63n;
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: readonly string[] = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
/** No quantity of Kubernetes has an exponent like it, and its digits would fill the memory. */
const MAX_EXPONENT = 1000;

/** A quantity in billionths, rounded away from zero; undefined when the text is none: `1.5` is 1,500,000,000. */
export function billionthsOf(text: string): bigint | undefined {
  const match = isQuantity(text) ? /^([+-]?)(\d*)\.?(\d*)(.*)$/.exec(text) : null;
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  const exponent = DECIMAL[suffix] ?? (/^[eE][+-]?\d/.test(suffix) ? Number(suffix.slice(1)) : 0);
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined;
  const factor = 1024n ** BigInt(BINARY.indexOf(suffix) + 1);
  const digits = BigInt(whole + fraction) * factor;
  const shift = 9 + exponent - fraction.length;
  const divisor = 10n ** BigInt(Math.max(-shift, 0));
  const size = shift >= 0 ? digits * 10n ** BigInt(shift) : (digits + divisor - 1n) / divisor;
  return sign === '-' ? -size : size;
}

/** Undefined when it is no whole number, or none that fits into 64 bits. */
export function wholeOf(billionths: bigint): bigint | undefined {
  const whole = billionths / ONE;
  return whole * ONE === billionths && whole < LARGEST_INT && whole >= -LARGEST_INT ? whole : undefined;
}

export const billionths = (whole: bigint): bigint => whole * ONE;
export const approximate = (value: bigint): number => Number(value) / Number(ONE);
