/** Measures of one contestant, one a round, in the unit the contestant returns. */
export type Measures<K extends string> = Readonly<Record<K, readonly number[]>>;

/**
 * Runs the contestants in turn (A B A B ...), after one round that does not count: what slows the machine down for a while
 * slows all of them. A contestant prepares, measures only what is its cost, and returns that.
 */
export async function inTurn<K extends string>(
  rounds: number,
  contestants: Readonly<Record<K, () => number | Promise<number>>>,
  warmUp = true,
): Promise<Measures<K>> {
  const entries = Object.entries(contestants) as [K, () => number | Promise<number>][];
  const measures = Object.fromEntries(entries.map(([name]) => [name, []])) as unknown as Record<K, number[]>;
  for (let round = warmUp ? -1 : 0; round < rounds; round++) {
    for (const [name, run] of entries) {
      const measure = await run();
      if (round >= 0) measures[name].push(measure);
    }
  }
  return measures;
}

/** Milliseconds that `work` takes. */
export async function milliseconds(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** The value below which the share of the values lies, 0.5 for the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** What the peer took over what we took, pair by pair. */
export function ratios(peer: readonly number[], ours: readonly number[]): number[] {
  return ours.map((own, i) => (peer[i] ?? Number.NaN) / own);
}

/** `12.3 ms (11.9 to 14.0)`. */
export function spread(values: readonly number[], unit: string, digits = 1): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} ${unit} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}
