import type { PlanEntry } from '@podwire/kube';
import type { Nft } from '@podwire/nft';
import type { PolicyPlan } from './plan.ts';

/** What it would take to make the kernel's table the planned one; empty when in step. */
export function observeDrift(nft: Nft, { table }: PolicyPlan): PlanEntry[] {
  return nft
    .drift(table)
    .map((change) => ({ what: change.text, why: 'the kernel is not as the policy room wrote it' }));
}
