import type { Environment } from '@marcbachmann/cel-js';
import type { Node } from './syntax-tree.ts';

/** A type as the library's checker has it. */
export interface Type {
  readonly kind: string;
  readonly name: string;
  readonly keyType?: Type;
  readonly valueType?: Type;
  isDynOrBool(): boolean;
  /** What both are; null for nothing. */
  unify(registry: unknown, other: Type): Type | null;
}

/** What variables are where an expression is checked or evaluated. */
export interface Context {
  forkWithVariable(name: string, type: Type): Context;
  /** This one, within another. */
  reuse(parent: Context): Context;
  setIterValue(value: unknown, evaluator: Evaluator): Context;
}

/** The parts of the library's checker and evaluator that a macro is given. */
export interface Checker {
  readonly registry: {
    getListType(items: Type): Type;
    getMapType(keys: Type, values: Type): Type;
    getOptionalType(value: Type): Type;
  };
  /** Types that are registered, by their names. */
  readonly objectTypes: ReadonlyMap<string, { readonly ctor: object }>;
  check(node: Node, context: Context): Type;
  getType(name: string): Type;
  createError(code: string, message: string, node: Node | undefined): Error;
}
export interface Evaluator {
  run(node: Node, context: Context): unknown;
  /** An error is returned. */
  tryEval(node: Node, context: Context): unknown;
  createError(code: string, message: string, node: Node): Error;
  debugType(value: unknown): {
    fieldLazy(value: unknown, field: unknown, node: unknown, evaluator: Evaluator): unknown;
  };
}

/** What a call is made: it has a say in the types of its arguments, and in which of them are evaluated. */
export interface Macro {
  readonly async: false;
  typeCheck(checker: Checker, macro: unknown, context: Context): Type;
  evaluate(evaluator: Evaluator, macro: unknown, context: Context): unknown;
}

/** A call as it was parsed. */
export interface Call {
  readonly ast: Node;
  readonly receiver: Node;
  readonly args: readonly Node[];
}

/** Makes all calls `receiver.name(...)` with so many arguments macros. */
export function registerMacro(
  environment: Environment,
  name: string,
  count: number,
  make: (call: Call) => Macro,
): void {
  // The library goes by name and number of arguments only.
  environment.registerFunction(`dyn.${name}(${Array(count).fill('ast').join(', ')}): dyn`, make);
}
