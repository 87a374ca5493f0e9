import type { ObjectOf } from './kinds.ts';
import { quantityValue } from './quantity.ts';

type Pod = ObjectOf<'Pod'>;
type Container = NonNullable<Pod['spec']>['containers'][number];
export type Amounts = ReadonlyMap<string, number>;

/** What a node must have free for a pod: all its containers at once, or more for an init container before them. Or the limits. */
export function podRequests({ spec }: Pod, part: 'requests' | 'limits' = 'requests'): Amounts {
  let running = new Map<string, number>();
  let highest = new Map<string, number>();
  for (const container of spec?.initContainers ?? []) {
    const own = amountsOf(container.resources?.[part]);
    const now = addAmounts(running, own);
    // A sidecar stays.
    if ((container as Container & { restartPolicy?: string }).restartPolicy === 'Always') running = now;
    highest = greater(highest, now);
  }
  for (const container of spec?.containers ?? []) running = addAmounts(running, amountsOf(container.resources?.[part]));
  return addAmounts(greater(highest, running), amountsOf(spec?.overhead));
}

export function amountsOf(quantities: Readonly<Record<string, string>> = {}): Map<string, number> {
  return new Map(Object.entries(quantities).map(([name, text]) => [name, quantityValue(String(text)) || 0]));
}

export function addAmounts(a: Amounts, b: Amounts): Map<string, number> {
  const all = new Map(a);
  for (const [name, amount] of b) all.set(name, (all.get(name) ?? 0) + amount);
  return all;
}

function greater(a: Amounts, b: Amounts): Map<string, number> {
  const all = new Map(a);
  for (const [name, amount] of b) all.set(name, Math.max(all.get(name) ?? 0, amount));
  return all;
}
