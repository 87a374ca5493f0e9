import { parsePattern } from './parse.ts';
import { compileSyntax, type Program } from './program.ts';
import { type Pay, type Range, Search } from './search.ts';
import { END, holds, isWord, NEWLINE, PatternError } from './syntax.ts';

export { PatternError } from './syntax.ts';

/** Steps one search may take that are not known from before, so that no text takes longer than a second. */
const MAX_STEPS = 20_000_000;
const MAX_KNOWN = 20_000;

/** Where a search is: states reached (before what needs no character), and what kind of character came before. */
interface Position {
  readonly key: string;
  readonly states: readonly number[];
  readonly before: number;
  readonly known: Map<number, Position | boolean>;
}

/**
 * A regular expression as RE2 has it, searched for in time that is linear in the text: no backtracking, so that no
 * expression can keep the server busy. Remembers the transitions it has worked out.
 */
export class Pattern {
  readonly #program: Program;
  #positions = new Map<string, Position>();
  #known = 0;

  /** Throws PatternError for what is no such expression. */
  constructor(source: string) {
    this.#program = compileSyntax(parsePattern(source));
  }

  /** Whether the expression matches anywhere in the text. Throws PatternError when that takes too long to find out. */
  test(text: string): boolean {
    let position = this.#position([this.#program.start], END);
    let steps = 0;
    for (const char of text) {
      const code = char.codePointAt(0) ?? 0;
      let next = position.known.get(code);
      if (next === undefined) {
        steps += this.#program.states.length;
        if (steps > MAX_STEPS) throw new PatternError('the text takes too long to match');
        next = this.#remember(position, code);
      }
      if (typeof next === 'boolean') return next;
      position = next;
    }
    return (position.known.get(END) ?? this.#remember(position, END)) === true;
  }

  /**
   * The first matches that do not overlap, of each the one that Perl finds: at most `limit`. Goes on as
   * long as `pay` does not throw.
   */
  find(text: string, limit: number, pay: Pay): string[] {
    const chars = Array.from(text);
    const codes = chars.map((char) => char.codePointAt(0) ?? 0);
    const search = new Search(this.#program, codes, pay);
    const found: string[] = [];
    let previous: Range | undefined;
    for (let at = 0; at <= codes.length && found.length < limit; ) {
      const match = search.from(at);
      if (!match) break;
      const [start, end] = match;
      // An empty match right after another one is none.
      if (start < end || start !== previous?.[1]) found.push(chars.slice(start, end).join(''));
      at = end === at ? at + 1 : end;
      previous = match;
    }
    return found;
  }

  #remember(position: Position, code: number): Position | boolean {
    const reached = this.#closure(position, code);
    const next = reached === 'match' || (code === END ? false : this.#position(this.#after(reached, code), code));
    if (++this.#known > MAX_KNOWN) {
      this.#known = 0;
      this.#positions = new Map();
      if (typeof next !== 'boolean') next.known.clear();
    }
    position.known.set(code, next);
    return next;
  }

  #position(states: readonly number[], before: number): Position {
    const kind = before === END || before === NEWLINE ? before : Number(isWord(before));
    const key = `${kind}:${states.join()}`;
    const found = this.#positions.get(key);
    if (found) return found;
    const made = { key, states, before, known: new Map() };
    this.#positions.set(key, made);
    return made;
  }

  /** All states reached without a character, knowing which one is next. */
  #closure({ states, before }: Position, next: number): 'match' | ReadonlySet<number> {
    const reached = new Set<number>();
    const open = [...states];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (reached.has(at)) continue;
      reached.add(at);
      const state = this.#program.states[at];
      if (state?.type === 'match') return 'match';
      if (state?.type === 'split') open.push(...state.next);
      if (state?.type === 'assert' && holds(state.assertion, before, next)) open.push(state.next);
    }
    return reached;
  }

  /** The states after the character; the search may also begin after it. */
  #after(reached: ReadonlySet<number>, code: number): readonly number[] {
    const next = new Set([this.#program.start]);
    for (const at of reached) {
      const state = this.#program.states[at];
      if (state?.type === 'set' && state.set(code)) next.add(state.next);
    }
    return [...next].sort((a, b) => a - b);
  }
}

const MAX_PATTERNS = 1000;
const patterns = new Map<string, Pattern>();

/** The expression, made once. Throws PatternError. */
export function patternOf(source: string): Pattern {
  const found = patterns.get(source);
  if (found) return found;
  const made = new Pattern(source);
  if (patterns.size >= MAX_PATTERNS) patterns.clear();
  patterns.set(source, made);
  return made;
}
