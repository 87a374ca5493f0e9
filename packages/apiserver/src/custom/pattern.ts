export interface Pattern {
  test(text: string): boolean;
}

const patterns = new Map<string, Pattern | undefined>();

/** Undefined when the expression is not one. */
export function patternOf(source: string): Pattern | undefined {
  if (!patterns.has(source)) patterns.set(source, new RegExp(source));
  return patterns.get(source);
}
