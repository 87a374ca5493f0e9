import { equalJson } from '@podwire/kube';
import type { ApiObject } from '../../seam.ts';
import type { Attempt } from '../attempt.ts';

/** A policy or a webhook that may change an object. */
export interface Mutator {
  /** It wants to be asked again when a later one changes what it has seen. */
  readonly isReinvoked: boolean;
  /** Undefined: nothing is to be changed. Throws what the writer is told. */
  mutate(attempt: Attempt): ApiObject | undefined | Promise<ApiObject | undefined>;
}

/** What becomes of an attempt when all are asked in their order, and who wants to once more. */
export async function mutated(attempt: Attempt, mutators: readonly Mutator[]): Promise<Attempt> {
  const asked = new Set<Mutator>();
  const again = new Set<Mutator>();
  let current = attempt;
  const pass = async (isAgain: boolean) => {
    for (const mutator of mutators) {
      if (isAgain && !again.has(mutator)) continue;
      const object = await mutator.mutate(current);
      if (object && !equalJson(object, current.object)) {
        current = { ...current, object };
        for (const one of asked) again.add(one);
        asked.clear();
      }
      if (mutator.isReinvoked) asked.add(mutator);
    }
  };
  await pass(false);
  if (again.size > 0) await pass(true);
  return current;
}
