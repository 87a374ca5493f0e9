/** Draws one of `modulus` possibilities, as `choose` of the interpreter. */
export type Choose = (modulus: number) => number;

/** More than these nobody reads; rules that draw from thousands are the rule's author's affair. */
const MOST = 1024;

/**
 * Everything that may come of rules that draw (numgen, jhash, symhash): `run` is called once for every combination of
 * draws, the first 1,024 of them. `run` has to start from the same state each time.
 */
export function possibilities<T>(run: (choose: Choose) => T): T[] {
  const results: T[] = [];
  let prefix: number[] | undefined = [];
  while (prefix && results.length < MOST) {
    const drawn: { readonly value: number; readonly modulus: number }[] = [];
    const wanted: readonly number[] = prefix;
    results.push(
      run((modulus) => {
        const value = wanted[drawn.length] ?? 0;
        drawn.push({ value, modulus });
        return value;
      }),
    );
    prefix = nextDraws(drawn);
  }
  return results;
}

/** Counts up from the last draw; undefined after the last combination. */
function nextDraws(drawn: readonly { readonly value: number; readonly modulus: number }[]): number[] | undefined {
  const last = drawn.findLastIndex(({ value, modulus }) => value + 1 < modulus);
  if (last < 0) return undefined;
  return drawn.slice(0, last + 1).map(({ value }, i) => (i === last ? value + 1 : value));
}
