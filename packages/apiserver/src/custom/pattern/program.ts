import { type Assertion, type CharSet, PatternError, type Syntax } from './syntax.ts';

/** A state of a non-deterministic automaton; `next` are indexes of states, of a split in the order they are preferred. */
export type State =
  | { readonly type: 'set'; readonly set: CharSet; readonly next: number }
  | { readonly type: 'assert'; readonly assertion: Assertion; readonly next: number }
  | { readonly type: 'split'; readonly next: readonly number[] }
  | { readonly type: 'match' };

export interface Program {
  readonly states: readonly State[];
  readonly start: number;
}

type Repeat = Syntax & { readonly type: 'repeat' };

/** More than any expression written by hand; counted repetitions of repetitions would exceed all bounds. */
const MAX_STATES = 10_000;

/** Thompson's construction, from the end to the beginning. Throws PatternError for an expression that is too large. */
export function compileSyntax(syntax: Syntax): Program {
  const states: State[] = [{ type: 'match' }];
  const add = (state: State): number => {
    if (states.length >= MAX_STATES) throw new PatternError('expression too large');
    return states.push(state) - 1;
  };
  /** Where to begin to match `part` and go on at `next`. */
  const build = (part: Syntax, next: number): number => {
    switch (part.type) {
      case 'set':
      case 'assert':
        return add({ ...part, next });
      case 'all':
        return part.parts.reduceRight((after, one) => build(one, after), next);
      case 'any':
        return add({ type: 'split', next: part.parts.map((one) => build(one, next)) });
      case 'repeat':
        return repeat(part, next);
    }
  };
  const repeat = ({ part, min, max, isLazy }: Repeat, next: number): number => {
    const either = (more: number) => (isLazy ? [next, more] : [more, next]);
    let at = next;
    if (max === Number.POSITIVE_INFINITY) at = loop(part, either);
    else for (let i = min; i < max; i++) at = add({ type: 'split', next: either(build(part, at)) });
    for (let i = 0; i < min; i++) at = build(part, at);
    return at;
  };
  const loop = (part: Syntax, either: (more: number) => number[]): number => {
    const targets: number[] = [];
    const split = add({ type: 'split', next: targets });
    targets.push(...either(build(part, split)));
    return split;
  };
  const start = build(syntax, 0);
  return { states, start };
}
