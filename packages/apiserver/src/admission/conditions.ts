import type { Budget } from '../custom/cel/budget.ts';
import { type Expression, evaluationFailure, type Facts } from './policy-expressions.ts';

/**
 * Why conditions do not hold; undefined: they do. One that is false counts for more than one that cannot be told, which
 * has a `why`.
 */
export function unmetCondition(
  conditions: readonly Expression[],
  facts: Facts,
  budget: Budget,
): { readonly why?: string } | undefined {
  const faults: string[] = [];
  for (const { run, text } of conditions) {
    try {
      const met = budget.run(() => run(facts));
      if (met === false) return {};
      if (met !== true) throw new TypeError('must evaluate to bool');
    } catch (error) {
      faults.push(evaluationFailure(text, error));
    }
  }
  if (faults.length === 0) return undefined;
  return { why: faults.length === 1 ? (faults[0] ?? '') : `[${faults.join(', ')}]` };
}
