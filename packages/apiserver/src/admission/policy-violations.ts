import { Budget } from '../custom/cel/budget.ts';
import { unmetCondition } from './conditions.ts';
import {
  type AuditAnnotation,
  type Expression,
  evaluationFailure,
  type Facts,
  failureText,
  type PolicyExpressions,
  type Validation,
} from './policy-expressions.ts';
import { lazyVariables } from './policy-variables.ts';

/** Of all expressions of a policy, for one parameter. */
const COST_LIMIT = 10_000_000;

/** What a policy has against a write. */
export interface Violation {
  readonly message: string;
  /** Of the Status that says so. */
  readonly reason: string;
  /** Of the validation. */
  readonly index: number;
}

/** What a policy says of a write. */
export interface Findings {
  readonly violations: readonly Violation[];
  /** For the audit file, by keys of the policy. */
  readonly annotations: readonly (readonly [key: string, value: string])[];
  /** Why an annotation could not be made, which no action of a binding makes good. */
  readonly faults: readonly string[];
}

/** `isStrict`: what cannot be evaluated is a violation. */
export function findingsOf(expressions: PolicyExpressions, given: Facts, isStrict: boolean): Findings {
  const run = new PolicyRun({ ...given, variables: lazyVariables(expressions, () => run.facts) }, isStrict);
  if (run.applies(expressions.conditions)) {
    expressions.validations.forEach((validation, index) => {
      run.check(validation, index);
    });
    for (const annotation of expressions.annotations) run.annotate(annotation);
  }
  return run;
}

/** Of the value of an annotation, in letters. */
const LONGEST = 10 * 1024;

class PolicyRun implements Findings {
  readonly violations: Violation[] = [];
  readonly annotations: (readonly [string, string])[] = [];
  readonly faults: string[] = [];
  readonly facts: Facts;
  readonly #isStrict: boolean;
  readonly #budget = new Budget(COST_LIMIT);

  constructor(facts: Facts, isStrict: boolean) {
    this.facts = facts;
    this.#isStrict = isStrict;
  }

  applies(conditions: readonly Expression[]): boolean {
    const unmet = unmetCondition(conditions, this.facts, this.#budget);
    if (unmet?.why !== undefined && this.#isStrict)
      this.violations.push({ message: unmet.why, reason: 'Invalid', index: 0 });
    return unmet === undefined;
  }

  check(validation: Validation, index: number): void {
    const { message, messageOf, reason, text } = validation;
    const onError = (error: unknown) => {
      if (this.#isStrict) this.violations.push({ message: evaluationFailure(text, error), reason: 'Invalid', index });
    };
    const result = this.#attempt(validation, onError);
    if (!result || result.value === true) return;
    const own = messageOf && asMessage(this.#attempt(messageOf, () => undefined)?.value);
    this.violations.push({ message: own ?? (message?.trim() || `failed expression: ${text.trim()}`), reason, index });
  }

  annotate({ key, text, run }: AuditAnnotation): void {
    const refuse = (error: unknown) => {
      if (this.#isStrict) this.faults.push(`valueExpression '${text.trim()}' resulted in error: ${failureText(error)}`);
    };
    const result = this.#attempt({ text, run }, refuse);
    if (!result) return;
    const { value } = result;
    if (typeof value !== 'string' && value !== null) refuse(new TypeError('must evaluate to string or null'));
    else if (value?.trim()) this.annotations.push([key, value.trim().slice(0, LONGEST)]);
  }

  /** Undefined after an error. */
  #attempt({ run }: Expression, onError: (error: unknown) => void): { readonly value: unknown } | undefined {
    try {
      return { value: this.#budget.run(() => run(this.facts)) };
    } catch (error) {
      onError(error);
      return undefined;
    }
  }
}

function asMessage(text: unknown): string | undefined {
  return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') ? text.trim() : undefined;
}
