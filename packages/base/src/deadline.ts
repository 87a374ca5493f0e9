/** Resolves when the promise has, or so many ms later at most; rejects when it rejects before. */
export async function atMost(ms: number, wanted: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([wanted, late]).finally(() => clearTimeout(timer));
}
