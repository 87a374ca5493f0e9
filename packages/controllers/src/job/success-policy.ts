import type { ObjectOf } from '@podwire/kube';
import { isInRanges } from './index-set.ts';
import type { JobEnd } from './job-conditions.ts';

type Job = ObjectOf<'Job'>;

/** The success a Job declares before all of its indexes have succeeded (KEP-3998); undefined: not yet. */
export function declaredSuccess({ spec }: Job, completed: ReadonlySet<number>): JobEnd | undefined {
  for (const [index, { succeededIndexes, succeededCount }] of (spec?.successPolicy?.rules ?? []).entries()) {
    const among = succeededIndexes === undefined ? undefined : isInRanges(succeededIndexes);
    const found = [...completed].filter((one) => among?.contains(one) ?? true).length;
    const wanted = succeededCount ?? among?.size ?? Number.POSITIVE_INFINITY;
    if (found < wanted) continue;
    return { outcome: 'Complete', reason: 'SuccessPolicy', message: `Matched rules at index ${index}` };
  }
  return undefined;
}
