const NUMBER = '(0|[1-9][0-9]*)';
const WORD = '[0-9A-Za-z-]+';
const VERSION = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${WORD}(?:\\.${WORD})*))?(?:\\+${WORD}(?:\\.${WORD})*)?$`,
);
const LARGEST = 2n ** 64n;
const MOST_DIGITS = 20;

/** A version as semver.org has it, 2.0.0. */
export interface SemanticVersion {
  readonly text: string;
  readonly numbers: readonly [major: bigint, minor: bigint, patch: bigint];
  /** Before the release. */
  readonly words: readonly (bigint | string)[];
}

/** Undefined when the text is none. `isLoose`: `v1.02` is 1.2.0. */
export function parseVersion(given: string, isLoose: boolean): SemanticVersion | undefined {
  const text = isLoose ? completed(given) : given;
  const match = VERSION.exec(text);
  if (!match) return undefined;
  const [, major = '', minor = '', patch = '', before] = match;
  const words = before?.split('.') ?? [];
  if (words.some((word) => /^0[0-9]+$/.test(word))) return undefined;
  const [x, y, z] = [major, minor, patch].map(numberOf);
  if (x === undefined || y === undefined || z === undefined) return undefined;
  const read = words.flatMap((word) => (/^[0-9]+$/.test(word) ? (numberOf(word) ?? []) : word));
  return read.length < words.length ? undefined : { text, numbers: [x, y, z], words: read };
}

/** Undefined for what does not fit into 64 bits, which is told before: long digits take long to become a number. */
function numberOf(digits: string): bigint | undefined {
  const number = digits.length > MOST_DIGITS ? LARGEST : BigInt(digits);
  return number < LARGEST ? number : undefined;
}

/** With three numbers, and without a `v` and zeros in front. */
function completed(text: string): string {
  const [major = '', minor, ...rest] = text.replace(/^v/, '').split('.');
  const parts = [major, ...(minor === undefined ? [] : [minor]), ...(rest.length > 0 ? [rest.join('.')] : [])];
  if (parts.length < 3 && /[+-]/.test(parts.at(-1) ?? '')) return text;
  const missing = Array<string>(3 - parts.length).fill('0');
  return [...parts.map((part) => part.replace(/^0+(?=[0-9])/, '')), ...missing].join('.');
}

/** -1, 0 or 1. What comes after a `+` does not count. */
export function compareVersions(a: SemanticVersion, b: SemanticVersion): number {
  for (const [i, number] of a.numbers.entries()) {
    const other = b.numbers[i] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (a.words.length === 0 || b.words.length === 0) return Math.sign(b.words.length - a.words.length);
  for (const [i, word] of a.words.entries()) {
    const other = b.words[i];
    if (other === undefined) return 1;
    if (word !== other) return isLess(word, other) ? -1 : 1;
  }
  return a.words.length < b.words.length ? -1 : 0;
}

/** Numbers come before words. */
function isLess(a: bigint | string, b: bigint | string): boolean {
  return typeof a === typeof b ? a < b : typeof a === 'bigint';
}
