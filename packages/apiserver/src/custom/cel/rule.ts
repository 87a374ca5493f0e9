import { type Environment, Optional, type ParseResult } from '@marcbachmann/cel-js';
import type { ValidationRule } from '../json-schema.ts';
import { meter } from './budget.ts';
import { useOwnHas } from './has-macro.ts';
import { useOptionalEntries } from './literal-macros.ts';
import { plainLiterals } from './literal-syntax.ts';
import { useOwnMatches } from './regexp-functions.ts';
import { costFault } from './rule-cost.ts';
import { visitNodes } from './syntax-tree.ts';
import type { ValueType } from './value-type.ts';

/** A rule whose expressions are known to be sound. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  /** It compares with what was before, so it has nothing to say of what is new. */
  readonly isTransition: boolean;
  readonly evaluate: Expression;
  readonly message: Expression | undefined;
}

/** Arguments are values of CEL; `oldSelf` is undefined when there was nothing. Throws errors of the library. */
export type Expression = (self: unknown, oldSelf: unknown) => unknown;

/** What is wrong with a field of a rule. */
export interface RuleFault {
  readonly field: 'rule' | 'messageExpression';
  readonly why: string;
  /** Right, but not to be allowed. */
  readonly isForbidden?: boolean;
}

/** The type a rule is about, and in how many places of an object the rule may be run. */
interface Judged {
  readonly type: ValueType;
  readonly times: number;
}

/** Checks the expressions of a rule for values of a type. */
export function compileRule(
  environment: Environment,
  { type, times }: Judged,
  rule: ValidationRule,
): CompiledRule | RuleFault {
  const isOptional = rule.optionalOldSelf === true;
  const own = environment
    .clone()
    .registerVariable('self', type.name)
    .registerVariable('oldSelf', isOptional ? `optional<${type.name}>` : type.name);
  const evaluate = compile(own, rule.rule, 'bool');
  if ('why' in evaluate) return { field: 'rule', why: evaluate.why };
  const tooMuch = costFault(evaluate.run.ast, type, times);
  if (tooMuch !== undefined) return { field: 'rule', why: tooMuch, isForbidden: true };
  const message = rule.messageExpression === undefined ? undefined : compile(own, rule.messageExpression, 'string');
  if (message && 'why' in message) return { field: 'messageExpression', why: message.why };
  const bind =
    ({ run }: Compiled): Expression =>
    (self, oldSelf) =>
      run(isOptional ? { self, oldSelf: Optional.of(oldSelf) } : { self, oldSelf });
  return {
    rule,
    isTransition: evaluate.names.has('oldSelf') && !isOptional,
    evaluate: bind(evaluate),
    message: message && bind(message),
  };
}

export interface Compiled {
  readonly run: ParseResult;
  readonly names: ReadonlySet<unknown>;
  /** Of its values, as expressions name it. */
  readonly type: string;
}

/** An expression of a type, metered by the Budget it is run in; or what is wrong with it. */
export function compile(
  environment: Environment,
  text: string,
  wanted: 'bool' | 'string' | 'any',
): Compiled | { readonly why: string } {
  try {
    const run = environment.parse(plainLiterals(text));
    const names = new Set<unknown>();
    visitNodes(run.ast, (node) => {
      useOwnMatches(node);
      useOwnHas(node);
      useOptionalEntries(node);
      if (node.op === 'id') names.add(node.args);
    });
    const { valid, type, error } = run.check();
    if (!valid) return { why: `compilation failed: ${error?.summary ?? 'the expression has no type'}` };
    if (wanted !== 'any' && type !== wanted) return { why: `cel expression must evaluate to a ${wanted}` };
    meter(run.ast);
    return { run, names, type: type ?? 'dyn' };
  } catch (error) {
    return { why: `compilation failed: ${(error as { summary?: string }).summary ?? String(error)}` };
  }
}
