import type { ASTNode } from '@marcbachmann/cel-js';
import { compile } from '../custom/cel/rule.ts';
import { isNode, visitNodes } from '../custom/cel/syntax-tree.ts';
import { environmentOf, type Scope } from './expression-environments.ts';
import type { Expression, ExpressionFault, Facts } from './policy-expressions.ts';

/** Where an expression is, and what it may be. */
interface Wanted {
  readonly field: string;
  readonly scope: Scope;
  /** Types that will do, as the library names them. */
  readonly types: readonly string[];
  /** What they are called. */
  readonly title: string;
}

export const BOOL = { types: ['bool'], title: 'bool' };
export const STRING = { types: ['string'], title: 'string' };
export const TEXT_OR_NULL = { types: ['string', 'null'], title: 'one of [string null_type]' };
export const OBJECT = { types: ['Object'], title: 'Object' };
export const JSON_PATCH = { types: ['list<JSONPatch>', 'list<T>'], title: 'list(JSONPatch)' };
export const ANY = { types: [], title: '' };

/** Compiles one expression after the other, and tells of those that cannot be: these fail when they are run. */
export class ExpressionCompiler {
  readonly faults: ExpressionFault[] = [];
  /** Names of the variables that expressions may use. */
  readonly #variables = new Set<string>();

  /** What is compiled from here on may use it. */
  addVariable(name: string): void {
    this.#variables.add(name);
  }

  compile(text: string, wanted: Wanted): Expression {
    const compiled = compile(environmentOf(wanted.scope), text, 'any');
    const why = 'why' in compiled ? compiled.why : this.#fault(compiled.run.ast, compiled.type, wanted);
    if ('run' in compiled && why === undefined)
      return { text, run: (facts: Facts) => compiled.run(facts as Record<string, unknown>) };
    this.faults.push({ field: wanted.field, text, why: why ?? '' });
    const run = () => {
      throw new TypeError(why);
    };
    return { text, run };
  }

  #fault(ast: ASTNode, type: string, { types, title }: Wanted): string | undefined {
    const unknown = variablesIn(ast).find((name) => !this.#variables.has(name));
    if (unknown !== undefined) return `compilation failed: undefined field '${unknown}'`;
    const isRight = types.length === 0 || type === 'dyn' || types.includes(type);
    return isRight ? undefined : `must evaluate to ${title}`;
  }
}

/** `x` of `variables.x`. */
function variablesIn(ast: ASTNode): readonly string[] {
  const names: string[] = [];
  visitNodes(ast, ({ op, args }) => {
    if (op !== '.' || !Array.isArray(args)) return;
    const [owner, field] = args as readonly unknown[];
    if (isNode(owner) && owner.op === 'id' && owner.args === 'variables') names.push(String(field));
  });
  return names;
}
