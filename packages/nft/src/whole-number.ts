import { nftError } from './errors.ts';

/**
 * A number of packets, bytes, connections, ... as it is; throws NFT_BAD_VALUE for what is no whole number, which in text
 * would become syntax, or has more than `bits` bits, which the kernel would cut off.
 */
export function whole(n: number, bits = 53): number {
  if (!Number.isSafeInteger(n) || n < 0 || n >= 2 ** bits)
    throw nftError('NFT_BAD_VALUE', `${JSON.stringify(n)} is not a whole number from 0 to ${2 ** bits - 1}`);
  return n;
}

/** Seconds as the kernel's milliseconds. */
export const milliseconds = (seconds: number, bits = 53): number => whole(Math.round(seconds * 1000), bits);

/** The priority of a hook: 32 bits with a sign. */
export function checkPriority(priority: number): number {
  if (!Number.isInteger(priority) || priority !== (priority | 0))
    throw nftError(
      'NFT_BAD_VALUE',
      `${JSON.stringify(priority)} is not a priority: a whole number from -2^31 to 2^31 - 1`,
    );
  return priority;
}
