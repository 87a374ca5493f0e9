import type { Authorizer } from '../../authorization/authorizer.ts';
import { forbidden } from '../../core/status.ts';
import { Budget } from '../../custom/cel/budget.ts';
import { placeOf } from '../attempt.ts';
import { unmetCondition } from '../conditions.ts';
import { factsOf } from '../facts.ts';
import type { Question } from './admission-review.ts';

/** Of all conditions of a webhook together. */
const COST_LIMIT = 2_500_000;

/** Whether the conditions of a webhook hold: one that does not, counts for more than one that cannot be told. Throws 403. */
export function meetsConditions({ webhook, attempt, apiVersion }: Question, authorizer: Authorizer): boolean {
  if (webhook.conditions.length === 0) return true;
  const unmet = unmetCondition(webhook.conditions, factsOf(attempt, apiVersion, authorizer), new Budget(COST_LIMIT));
  if (unmet?.why === undefined || webhook.isLenient) return unmet === undefined;
  throw forbidden(attempt.kind, placeOf(attempt).name, unmet.why);
}
