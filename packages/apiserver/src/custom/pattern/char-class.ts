import { type CharSet, type Flags, fold, isDigit, isSpace, isWord, not, PatternError } from './syntax.ts';

/** The text of an expression and how far it has been read. */
export class Cursor {
  readonly chars: readonly string[];
  at = 0;

  constructor(text: string) {
    this.chars = Array.from(text);
  }

  get next(): string | undefined {
    return this.chars[this.at];
  }

  take(): string {
    const char = this.chars[this.at++];
    if (char === undefined) throw new PatternError('unexpected end of expression');
    return char;
  }

  /** Reads the text if it comes next. */
  skip(text: string): boolean {
    if (!this.startsWith(text)) return false;
    this.at += text.length;
    return true;
  }

  startsWith(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.chars[this.at + i] !== text[i]) return false;
    return true;
  }

  /** What comes before `end`, which is read too. */
  until(end: string): string {
    let text = '';
    while (!this.skip(end)) text += this.take();
    return text;
  }
}

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const PERL: Readonly<Record<string, CharSet>> = {
  d: isDigit,
  D: not(isDigit),
  s: isSpace,
  S: not(isSpace),
  w: isWord,
  W: not(isWord),
};
const POSIX: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /[ -~\p{Cc}]/u,
  blank: /[\t ]/,
  cntrl: /\p{Cc}/u,
  digit: /\d/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /\w/,
  xdigit: /[0-9A-Fa-f]/,
};

const matching =
  (pattern: RegExp): CharSet =>
  (code) =>
    pattern.test(String.fromCodePoint(code));

/** After a backslash: a class (`\d`, `\pL`), else the code point of one character. */
export function parseEscape(cursor: Cursor): CharSet | number {
  const char = cursor.take();
  const perl = PERL[char];
  if (perl) return perl;
  if (char === 'p' || char === 'P') return unicodeClass(cursor, char === 'P');
  const control = CONTROLS[char];
  if (control !== undefined) return control;
  if (char === 'x') return hexadecimal(cursor);
  if (/[0-7]/.test(char)) return octal(cursor, char);
  if (/[A-Za-z0-9]/.test(char)) throw new PatternError(`invalid escape sequence: \`\\${char}\``);
  return char.codePointAt(0) ?? 0;
}

function unicodeClass(cursor: Cursor, negated: boolean): CharSet {
  const name = cursor.skip('{') ? cursor.until('}') : cursor.take();
  const isNot = name.startsWith('^');
  const plain = isNot ? name.slice(1) : name;
  for (const property of [plain, `Script=${plain}`]) {
    try {
      const set = matching(new RegExp(`\\p{${property}}`, 'u'));
      return isNot === negated ? set : not(set);
    } catch {
      // Not a name of this kind.
    }
  }
  throw new PatternError(`invalid character class range: \`\\p{${name}}\``);
}

function hexadecimal(cursor: Cursor): number {
  const digits = cursor.skip('{') ? cursor.until('}') : cursor.take() + cursor.take();
  const code = /^[0-9A-Fa-f]{1,6}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
  if (!(code <= 0x10ffff)) throw new PatternError(`invalid escape sequence: \`\\x${digits}\``);
  return code;
}

function octal(cursor: Cursor, first: string): number {
  let digits = first;
  while (digits.length < 3 && /[0-7]/.test(cursor.next ?? '')) digits += cursor.take();
  if (first !== '0' && digits.length === 1) throw new PatternError(`invalid escape sequence: \`\\${first}\``);
  return Number.parseInt(digits, 8);
}

/** `[...]`, the bracket having been read. */
export function parseClass(cursor: Cursor, { i }: Flags): CharSet {
  const negated = cursor.skip('^');
  const sets: CharSet[] = [];
  let first = true;
  while (first || !cursor.skip(']')) {
    first = false;
    sets.push(classItem(cursor));
  }
  const within: CharSet = (code) => sets.some((set) => set(code));
  const either: CharSet = i ? (code) => within(code) || within(fold(code)) || within(upper(code)) : within;
  return negated ? not(either) : either;
}

function upper(code: number): number {
  return String.fromCodePoint(code).toUpperCase().codePointAt(0) ?? code;
}

function classItem(cursor: Cursor): CharSet {
  if (cursor.skip('[:')) {
    const negated = cursor.skip('^');
    const name = cursor.until(':]');
    const posix = POSIX[name];
    if (!posix) throw new PatternError(`invalid character class range: \`[:${name}:]\``);
    return negated ? not(matching(posix)) : matching(posix);
  }
  const from = classChar(cursor);
  if (typeof from !== 'number') return from;
  const isRange =
    cursor.next === '-' && cursor.chars[cursor.at + 1] !== ']' && cursor.chars[cursor.at + 1] !== undefined;
  if (!isRange) return (code) => code === from;
  cursor.take();
  const to = classChar(cursor);
  if (typeof to !== 'number' || to < from) throw new PatternError('invalid character class range');
  return (code) => code >= from && code <= to;
}

function classChar(cursor: Cursor): CharSet | number {
  const char = cursor.take();
  return char === '\\' ? parseEscape(cursor) : (char.codePointAt(0) ?? 0);
}
