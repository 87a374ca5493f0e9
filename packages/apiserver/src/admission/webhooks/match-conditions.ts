import type { Authorizer } from '../../authorization/authorizer.ts';
import { forbidden } from '../../core/status.ts';
import { Budget } from '../../custom/cel/budget.ts';
import { placeOf } from '../attempt.ts';
import { factsOf } from '../facts.ts';
import { evaluationFailure, type Facts } from '../policy-expressions.ts';
import type { Question } from './admission-review.ts';

/** Of all conditions of a webhook together. */
const COST_LIMIT = 2_500_000;

/** Whether the conditions of a webhook hold: one that does not, counts for more than one that cannot be told. Throws 403. */
export function meetsConditions({ webhook, attempt, apiVersion }: Question, authorizer: Authorizer): boolean {
  if (webhook.conditions.length === 0) return true;
  const facts: Facts = factsOf(attempt, apiVersion, authorizer);
  const budget = new Budget(COST_LIMIT);
  const faults: string[] = [];
  for (const { run, text } of webhook.conditions) {
    try {
      if (budget.run(() => run(facts)) !== true) return false;
    } catch (error) {
      faults.push(evaluationFailure(text, error));
    }
  }
  if (faults.length === 0) return true;
  if (webhook.isLenient) return false;
  const why = faults.length === 1 ? (faults[0] ?? '') : `[${faults.join(', ')}]`;
  throw forbidden(attempt.kind, placeOf(attempt).name, why);
}
