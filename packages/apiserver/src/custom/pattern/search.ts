import type { Program } from './program.ts';
import { END, holds } from './syntax.ts';

/** Of code points, without the one at its end. */
export type Range = readonly [start: number, end: number];

/** Told how many steps were taken, again and again; may throw. */
export type Pay = (steps: number) => void;

/**
 * Finds where an expression matches: of the matches that begin first, the one its operators prefer. Follows all ways at
 * once, in the order they are preferred, so that a search takes a time that is linear in the text.
 */
export class Search {
  readonly #program: Program;
  readonly #codes: readonly number[];
  readonly #pay: Pay;
  /** When a state was last reached: each is followed once for each character, for whom it was reached first. */
  readonly #reached: Uint32Array;
  #round = 0;
  /** States that need a character, and where their matches began. */
  #states: number[] = [];
  #starts: number[] = [];

  constructor(program: Program, codes: readonly number[], pay: Pay) {
    this.#program = program;
    this.#codes = codes;
    this.#pay = pay;
    this.#reached = new Uint32Array(program.states.length);
  }

  /** The first match at `from` or behind it. */
  from(from: number): Range | undefined {
    let found: Range | undefined;
    let states: readonly number[] = [];
    let starts: readonly number[] = [];
    for (let place = from; place <= this.#codes.length; place++) {
      if (found && states.length === 0) break;
      const match = this.#step(place, states, starts, found === undefined);
      if (match !== undefined) found = [match, place];
      states = this.#states;
      starts = this.#starts;
    }
    return found;
  }

  /** From states before the character to those ready for it; returns where a match began that ends here. */
  #step(place: number, before: readonly number[], starts: readonly number[], mayBegin: boolean): number | undefined {
    const previous = this.#codes[place - 1] ?? END;
    const next = this.#codes[place] ?? END;
    this.#round++;
    this.#states = [];
    this.#starts = [];
    let steps = 1;
    const count = before.length + (mayBegin ? 1 : 0);
    for (let i = 0; i < count; i++) {
      const start = starts[i] ?? place;
      const open = [before[i] ?? this.#program.start];
      for (let at = open.pop(); at !== undefined; at = open.pop()) {
        if (this.#reached[at] === this.#round) continue;
        this.#reached[at] = this.#round;
        steps++;
        const state = this.#program.states[at];
        if (state?.type === 'match') {
          this.#pay(steps);
          return start;
        }
        if (state?.type === 'split') for (let j = state.next.length; j-- > 0; ) open.push(state.next[j] ?? 0);
        else if (state?.type === 'assert' && holds(state.assertion, previous, next)) open.push(state.next);
        else if (state?.type === 'set' && next !== END && state.set(next)) {
          this.#states.push(state.next);
          this.#starts.push(start);
        }
      }
    }
    this.#pay(steps);
    return undefined;
  }
}
