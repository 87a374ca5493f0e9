import { Optional } from '@marcbachmann/cel-js';
import type { Checker, Context, Evaluator, Macro } from './macro.ts';
import type { Node } from './syntax-tree.ts';

/**
 * The library's `has` takes fields of variables only, and lets fields pass that a type does not have: calls of it are
 * made calls of one that takes any path to a field (`has(self.rules[0].name)`).
 */
export function useOwnHas(node: Node): void {
  if (node.op !== 'call' || !Array.isArray(node.args) || node.args[0] !== 'has') return;
  const [argument] = node.args[1] as readonly Node[];
  if (argument) node.setMeta('macro', hasMacro(argument));
}

function hasMacro(argument: Node): Macro & { readonly args: readonly Node[] } {
  const [owner, field] = Array.isArray(argument.args) ? argument.args : [];
  return {
    args: [argument],
    async: false,
    typeCheck: (checker: Checker, _macro: unknown, context: Context) => {
      if (argument.op !== '.') throw checker.createError('invalid_macro_argument', 'has() invalid argument', argument);
      checker.check(argument, context);
      return checker.getType('bool');
    },
    evaluate: (evaluator: Evaluator, _macro: unknown, context: Context) => {
      const object = evaluator.run(owner as Node, context);
      const value = evaluator.debugType(object).fieldLazy(object, field, argument, evaluator);
      return value instanceof Optional ? value.hasValue() : value !== undefined;
    },
  };
}
