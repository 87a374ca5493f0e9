import { Cursor, parseClass, parseEscape } from './char-class.ts';
import { type Assertion, type Flags, NEWLINE, oneChar, PatternError, type Syntax } from './syntax.ts';

/** As RE2 has it. */
const MAX_REPEAT = 1000;
const MAX_DEPTH = 200;
const ASSERTIONS: Readonly<Record<string, Assertion>> = { A: 'start', z: 'end', b: 'word', B: 'notWord' };

/** Reads an expression of RE2's syntax, which is that of Go; captures mean nothing here. Throws PatternError. */
export function parsePattern(text: string): Syntax {
  const cursor = new Cursor(text);
  const syntax = new Parser(cursor).alternatives({ i: false, m: false, s: false }, 0);
  if (cursor.next !== undefined) throw new PatternError(`unexpected ${cursor.next}`);
  return syntax;
}

class Parser {
  readonly #cursor: Cursor;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  alternatives(flags: Flags, depth: number): Syntax {
    if (depth > MAX_DEPTH) throw new PatternError('expression nests too deeply');
    const parts: Syntax[] = [];
    do parts.push(this.#sequence(flags, depth));
    while (this.#cursor.skip('|'));
    return parts.length === 1 && parts[0] ? parts[0] : { type: 'any', parts };
  }

  #sequence(outer: Flags, depth: number): Syntax {
    let flags = outer;
    const parts: Syntax[] = [];
    for (let next = this.#cursor.next; next !== undefined && next !== '|' && next !== ')'; next = this.#cursor.next) {
      const changed = this.#flagGroup(flags);
      if (changed) {
        flags = changed;
        continue;
      }
      if (this.#cursor.skip('\\Q')) parts.push(...this.#quoted(flags));
      else parts.push(this.#repeated(this.#atom(flags, depth)));
    }
    return { type: 'all', parts };
  }

  #quoted(flags: Flags): Syntax[] {
    const parts: Syntax[] = [];
    while (this.#cursor.next !== undefined && !this.#cursor.skip('\\E'))
      parts.push(literal(this.#cursor.take(), flags));
    return parts;
  }

  /** `(?i)`: flags for the rest of the group. */
  #flagGroup(flags: Flags): Flags | undefined {
    const { at } = this.#cursor;
    if (!this.#cursor.skip('(?')) return undefined;
    const words = this.#flagWords();
    if (words !== '' && this.#cursor.skip(')')) return withFlags(flags, words);
    this.#cursor.at = at;
    return undefined;
  }

  #flagWords(): string {
    let words = '';
    while (/[imsU-]/.test(this.#cursor.next ?? '')) words += this.#cursor.take();
    return words;
  }

  #atom(flags: Flags, depth: number): Syntax {
    const char = this.#cursor.take();
    switch (char) {
      case '(':
        return this.#group(flags, depth);
      case '[':
        return { type: 'set', set: parseClass(this.#cursor, flags) };
      case '.':
        return { type: 'set', set: flags.s ? () => true : (code) => code !== NEWLINE };
      case '^':
        return { type: 'assert', assertion: flags.m ? 'lineStart' : 'start' };
      case '$':
        return { type: 'assert', assertion: flags.m ? 'lineEnd' : 'end' };
      case '\\':
        return this.#escape(flags);
      case '*':
      case '+':
      case '?':
        throw new PatternError(`missing argument to repetition operator: \`${char}\``);
      default:
        return literal(char, flags);
    }
  }

  #escape(flags: Flags): Syntax {
    const assertion = ASSERTIONS[this.#cursor.next ?? ''];
    if (assertion) {
      this.#cursor.take();
      return { type: 'assert', assertion };
    }
    const escaped = parseEscape(this.#cursor);
    return { type: 'set', set: typeof escaped === 'number' ? oneChar(escaped, flags) : escaped };
  }

  #group(outer: Flags, depth: number): Syntax {
    let flags = outer;
    if (this.#cursor.skip('?')) {
      if (
        this.#cursor.skip('P<') ||
        (this.#cursor.startsWith('<') && !/[=!]/.test(this.#cursor.chars[this.#cursor.at + 1] ?? ''))
      ) {
        this.#cursor.until('>');
      } else {
        flags = withFlags(flags, this.#flagWords());
        if (!this.#cursor.skip(':')) throw new PatternError('invalid or unsupported Perl syntax');
      }
    }
    const inner = this.alternatives(flags, depth + 1);
    if (!this.#cursor.skip(')')) throw new PatternError('missing closing )');
    return inner;
  }

  #repeated(part: Syntax): Syntax {
    const range = this.#quantifier();
    if (!range) return part;
    const isLazy = this.#cursor.skip('?');
    if (this.#quantifier()) throw new PatternError('invalid nested repetition operator');
    return { type: 'repeat', part, isLazy, ...range };
  }

  #quantifier(): { readonly min: number; readonly max: number } | undefined {
    if (this.#cursor.skip('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#cursor.skip('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#cursor.skip('?')) return { min: 0, max: 1 };
    const { at } = this.#cursor;
    const counted =
      this.#cursor.next === '{' ? /^\{(\d+)(,(\d*))?\}/.exec(this.#cursor.chars.slice(at, at + 16).join('')) : null;
    if (!counted) return undefined;
    const [text, from = '', comma, to] = counted;
    const min = Number(from);
    const max = comma === undefined ? min : to ? Number(to) : Number.POSITIVE_INFINITY;
    if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT) || max < min) {
      throw new PatternError(`invalid repeat count: \`${text}\``);
    }
    this.#cursor.at += text.length;
    return { min, max };
  }
}

function literal(char: string, flags: Flags): Syntax {
  return { type: 'set', set: oneChar(char.codePointAt(0) ?? 0, flags) };
}

function withFlags({ i, m, s }: Flags, words: string): Flags {
  const [on = '', off = ''] = words.split('-');
  const is = (letter: string, before: boolean) => (before || on.includes(letter)) && !off.includes(letter);
  return { i: is('i', i), m: is('m', m), s: is('s', s) };
}
