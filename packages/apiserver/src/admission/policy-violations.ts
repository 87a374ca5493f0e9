import { Budget } from '../custom/cel/budget.ts';
import {
  type Expression,
  evaluationFailure,
  type Facts,
  type PolicyExpressions,
  type Validation,
} from './policy-expressions.ts';

/** What a policy has against a write. */
export interface Violation {
  readonly message: string;
  /** Of the Status that says so. */
  readonly reason: string;
}

/** `isStrict`: what cannot be evaluated is a violation. */
export function violationsOf(expressions: PolicyExpressions, given: Facts, isStrict: boolean): readonly Violation[] {
  const run = new PolicyRun({ ...given, variables: new Map<string, unknown>() }, isStrict);
  if (!run.applies(expressions.conditions)) return run.violations;
  run.assign(expressions.variables);
  for (const validation of expressions.validations) run.check(validation);
  return run.violations;
}

class PolicyRun {
  readonly violations: Violation[] = [];
  readonly #facts: Facts & { readonly variables: Map<string, unknown> };
  readonly #isStrict: boolean;
  readonly #budget = new Budget();

  constructor(facts: Facts & { readonly variables: Map<string, unknown> }, isStrict: boolean) {
    this.#facts = facts;
    this.#isStrict = isStrict;
  }

  applies(conditions: readonly Expression[]): boolean {
    for (const condition of conditions) {
      const value = this.#attempt(condition, (error) => this.#failed(condition, error));
      if (value !== true) return false;
    }
    return true;
  }

  /** Whoever asks for one that cannot be evaluated is told that it is not there. */
  assign(variables: PolicyExpressions['variables']): void {
    for (const variable of variables) {
      const value = this.#attempt(variable, () => undefined);
      if (value !== undefined) this.#facts.variables.set(variable.name, value);
    }
  }

  check(validation: Validation): void {
    const { message, messageOf, reason, text } = validation;
    const value = this.#attempt(validation, (error) => this.#failed(validation, error));
    if (value !== false) return;
    const own = messageOf && asMessage(this.#attempt(messageOf, () => undefined));
    this.violations.push({ message: own ?? (message?.trim() || `failed expression: ${text.trim()}`), reason });
  }

  #attempt({ run }: Expression, onError: (error: unknown) => void): unknown {
    try {
      return this.#budget.run(() => run(this.#facts));
    } catch (error) {
      onError(error);
      return undefined;
    }
  }

  #failed({ text }: Expression, error: unknown): void {
    if (!this.#isStrict) return;
    this.violations.push({ message: evaluationFailure(text, error), reason: 'Invalid' });
  }
}

function asMessage(text: unknown): string | undefined {
  return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') ? text.trim() : undefined;
}
