/** One comparison of a goal of PERFORMANCE: the ratio is better when higher. */
export interface Part {
  readonly name: string;
  readonly ratio: number;
  readonly must: number;
  readonly stretch: number;
  /** What was measured, for people. */
  readonly detail: string;
}

const line = (name: string, { ratio, must, stretch }: Part): string =>
  `${name} ratio=${ratio.toFixed(ratio < 10 ? 2 : 1)} must=${must} stretch=${stretch}`;

/** Prints a line for each part, and last the goal's own: that of the part furthest below its must. */
export function printParts(goal: string, parts: readonly Part[]): void {
  for (const part of parts) console.log(`${line(`${goal}.${part.name}`, part)} (${part.detail})`);
  const worst = parts.toSorted((a, b) => a.ratio / a.must - b.ratio / b.must)[0];
  if (worst) console.log(line(goal, worst));
}
