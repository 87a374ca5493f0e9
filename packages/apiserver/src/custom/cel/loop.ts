import type { Call, Checker, Context, Evaluator, Macro, Type } from './macro.ts';
import type { Node } from './syntax-tree.ts';

/** Values of the variables, for one turn. */
export type Turn = readonly unknown[];

/** How a kind of loop goes about it. */
export interface LoopPlan {
  /** The types of its variables; undefined: it cannot run over values of the type. */
  variables(range: Type, checker: Checker): readonly Type[] | undefined;
  /** Of the result, by the types of what is evaluated in each turn. */
  result(checker: Checker, range: Type, parts: readonly Type[]): Type;
  /** Whether the first of several parts, or the only one, decides something. */
  readonly isPredicate: (parts: number) => boolean;
  run(loop: Loop, range: unknown, turn: (values: Turn) => Turns): unknown;
}

/** The parts of a loop with the variables of one turn. */
export interface Turns {
  evaluate(part: number): unknown;
  /** An error is returned. */
  attempt(part: number): unknown;
  fail(message: string): Error;
}

/** A macro that evaluates its last arguments for each member of its receiver: `map.all(key, value, key != value)`. */
export class Loop implements Macro {
  readonly async = false;
  readonly name: string;
  readonly range: Node;
  readonly names: readonly string[];
  readonly parts: readonly Node[];
  readonly #plan: LoopPlan;
  #contexts: readonly Context[] = [];

  /** `count` variables come first among the arguments. Throws for one that is no plain name. */
  constructor(name: string, { receiver, args }: Call, count: number, plan: LoopPlan) {
    this.name = name;
    this.range = receiver;
    this.names = args.slice(0, count).map(({ op, args: word }) => (op === 'id' ? String(word) : ''));
    this.parts = args.slice(count);
    this.#plan = plan;
  }

  typeCheck(checker: Checker, _macro: unknown, context: Context): Type {
    const index = this.names.indexOf('');
    if (index >= 0) throw checker.createError('invalid_macro_argument', 'argument must be a simple name', this.range);
    const range = checker.check(this.range, context);
    const types = this.#plan.variables(range, checker);
    if (!types) {
      const why = `Expression of type '${range.name}' cannot be range of a comprehension (must be list, map, or dynamic).`;
      throw checker.createError('invalid_comprehension_range', why, this.range);
    }
    const contexts: Context[] = [];
    for (const [i, name] of this.names.entries()) {
      contexts.push((contexts.at(-1) ?? context).forkWithVariable(name, types[i] ?? checker.getType('dyn')));
    }
    this.#contexts = contexts;
    const inner = contexts.at(-1) ?? context;
    const parts = this.parts.map((part) => checker.check(part, inner));
    const [first] = parts;
    if (this.#plan.isPredicate(parts.length) && first && !first.isDynOrBool()) {
      const why = `${this.name}(...) predicate must return bool, got '${first.name}'`;
      throw checker.createError('invalid_condition_type', why, this.parts[0] ?? this.range);
    }
    return this.#plan.result(checker, range, parts);
  }

  evaluate(evaluator: Evaluator, _macro: unknown, context: Context): unknown {
    const bind = (values: Turn): Turns => {
      let inner = context;
      for (const [i, own] of this.#contexts.entries()) inner = own.reuse(inner).setIterValue(values[i], evaluator);
      const partAt = (part: number) => this.parts[part] ?? this.range;
      return {
        evaluate: (part) => evaluator.run(partAt(part), inner),
        attempt: (part) => evaluator.tryEval(partAt(part), inner),
        fail: (message) => evaluator.createError('comprehension', message, this.range),
      };
    };
    return this.#plan.run(this, evaluator.run(this.range, context), bind);
  }
}
