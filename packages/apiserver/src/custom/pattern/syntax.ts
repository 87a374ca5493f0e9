/** Whether a code point belongs to a class. */
export type CharSet = (code: number) => boolean;
/** `^` and `$` of the text, of a line with flag m; `b` and `B` the edge of a word, or not. */
export type Assertion = 'start' | 'end' | 'lineStart' | 'lineEnd' | 'word' | 'notWord';

export type Syntax =
  | { readonly type: 'set'; readonly set: CharSet }
  | { readonly type: 'assert'; readonly assertion: Assertion }
  | { readonly type: 'all'; readonly parts: readonly Syntax[] }
  | { readonly type: 'any'; readonly parts: readonly Syntax[] }
  | {
      readonly type: 'repeat';
      readonly part: Syntax;
      readonly isLazy: boolean;
      readonly min: number;
      readonly max: number;
    };

/** Thrown for what is no expression of RE2's syntax. */
export class PatternError extends Error {}

export interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

export const NEWLINE = 10;
/** Before the first and after the last character. */
export const END = -1;

export function isWord(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);
}

export const isDigit: CharSet = (code) => code >= 48 && code <= 57;
export const isSpace: CharSet = (code) => code === 32 || (code >= 9 && code <= 13 && code !== 11);
export const not =
  (set: CharSet): CharSet =>
  (code) =>
    !set(code);

/** One character, or with flag i its other case too. */
export function oneChar(code: number, { i }: Flags): CharSet {
  if (!i) return (other) => other === code;
  const folded = fold(code);
  return (other) => other === code || fold(other) === folded;
}

export function fold(code: number): number {
  return String.fromCodePoint(code).toLowerCase().codePointAt(0) ?? code;
}

/** Whether an assertion holds between two characters. */
export function holds(assertion: Assertion, before: number, next: number): boolean {
  switch (assertion) {
    case 'start':
      return before === END;
    case 'end':
      return next === END;
    case 'lineStart':
      return before === END || before === NEWLINE;
    case 'lineEnd':
      return next === END || next === NEWLINE;
    case 'word':
      return isWord(before) !== isWord(next);
    case 'notWord':
      return isWord(before) === isWord(next);
  }
}
