import type { PlanEntry } from '@podwire/kube';
import type { KernelChains } from './apply.ts';
import { chainsOf, type FamilyProxy } from './family-proxy.ts';

/** What it would take to make the kernel's chains the planned ones; empty when in step. */
export async function observeDrift(
  kernel: KernelChains,
  families: readonly Pick<FamilyProxy, 'family' | 'planned'>[],
): Promise<PlanEntry[]> {
  const entries: PlanEntry[] = [];
  for (const { family, planned } of families) {
    const { texts } = await kernel.drift(family, { chains: chainsOf(planned) });
    for (const what of texts.join('').split('\n'))
      if (/^[:-]/.test(what))
        entries.push({ what, why: `the ${family} rules are not as the services room wrote them` });
  }
  return entries;
}
