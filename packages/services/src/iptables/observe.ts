import type { PlanEntry } from '@podwire/kube';
import { FAMILIES, type KernelChains, type PerFamily } from './apply.ts';
import type { Desired } from './plan.ts';

/** What it would take to make the kernel's chains the desired ones; empty when in step. */
export async function observeDrift(kernel: KernelChains, desired: PerFamily<Desired>): Promise<PlanEntry[]> {
  const entries: PlanEntry[] = [];
  for (const family of FAMILIES) {
    const { texts } = await kernel.drift(family, desired[family]);
    for (const what of texts.join('').split('\n'))
      if (/^[:-]/.test(what))
        entries.push({ what, why: `the ${family} rules are not as the services room wrote them` });
  }
  return entries;
}
