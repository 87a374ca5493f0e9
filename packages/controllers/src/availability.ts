import type { ObjectOf } from '@podwire/kube';
import { timeOf } from './clock.ts';

type Pod = ObjectOf<'Pod'>;

/** In how many ms a pod counts as available, being ready for minReadySeconds: 0 is now; undefined: it is not ready. */
export function availableIn({ status }: Pod, minReadySeconds = 0, now: number): number | undefined {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  return Math.max(0, (timeOf(ready.lastTransitionTime) ?? now) + minReadySeconds * 1000 - now);
}

/** The shortest of the waits there are. */
export function soonest(waits: readonly (number | undefined)[]): number | undefined {
  const future = waits.filter((wait) => wait !== undefined && wait > 0) as number[];
  return future.length === 0 ? undefined : Math.min(...future);
}
