import type { ASTNode } from '@marcbachmann/cel-js';
import { type Compiled, compile } from '../custom/cel/rule.ts';
import { isNode, visitNodes } from '../custom/cel/syntax-tree.ts';
import { environmentOf, type Scope, typedEnvironment } from './expression-environments.ts';
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
  /** Types of the variables that expressions may use. */
  readonly #variables = new Map<string, string>();

  /** An expression that those which are compiled from here on may use. */
  addVariable(name: string, text: string, wanted: Wanted): Expression {
    const compiled = compile(environmentOf(wanted.scope), text, 'any');
    const expression = this.#expression(compiled, text, wanted);
    const judged = 'why' in compiled ? compiled : this.#typed(text, compiled);
    this.#variables.set(name, 'why' in judged ? 'dyn' : judged.type);
    return expression;
  }

  compile(text: string, wanted: Wanted): Expression {
    return this.#expression(compile(environmentOf(wanted.scope), text, 'any'), text, wanted);
  }

  #expression(compiled: ReturnType<typeof compile>, text: string, wanted: Wanted): Expression {
    const why = 'why' in compiled ? compiled.why : this.#fault(text, compiled, wanted);
    if ('run' in compiled && why === undefined)
      return { text, run: (facts: Facts) => compiled.run(facts as Record<string, unknown>) };
    this.faults.push({ field: wanted.field, text, why: why ?? '' });
    const run = () => {
      throw new TypeError(why);
    };
    return { text, run };
  }

  #fault(text: string, compiled: Compiled, { types, title }: Wanted): string | undefined {
    const unknown = variablesIn(compiled.run.ast).find((name) => !this.#variables.has(name));
    if (unknown !== undefined) return `compilation failed: undefined field '${unknown}'`;
    if (types.length === 0 || types.includes(compiled.type)) return undefined;
    const judged = this.#typed(text, compiled);
    if ('why' in judged) return judged.why;
    return types.includes(judged.type) ? undefined : `must evaluate to ${title} but got ${typeTitle(judged.type)}`;
  }

  /** By all that is known of types; what comes from objects is of any. */
  #typed(text: string, { run }: Compiled): ReturnType<typeof compile> {
    const types = variablesIn(run.ast).map((name) => [name, this.#variables.get(name) ?? 'dyn'] as const);
    return compile(typedEnvironment(Object.fromEntries(types)), text, 'any');
  }
}

/** As Kubernetes writes it. */
function typeTitle(type: string): string {
  const plain = type.replace(/\b(null|optional)\b/g, '$1_type').replace(/\blist\b(?!<)/g, 'list<dyn>');
  return plain.replaceAll('<', '(').replaceAll('>', ')');
}

/** `x` of `variables.x`. */
function variablesIn(ast: ASTNode): readonly string[] {
  const names: string[] = [];
  visitNodes(ast, ({ op, args }) => {
    if ((op !== '.' && op !== '.?') || !Array.isArray(args)) return;
    const [owner, field] = args as readonly unknown[];
    if (isNode(owner) && owner.op === 'id' && owner.args === 'variables') names.push(String(field));
  });
  return names;
}
