import type { PlanEntry } from '@podwire/kube';
import type { Nft } from '@podwire/nft';
import type { Desired } from './plan.ts';

/** What it would take to make the kernel's table the desired one; empty when in step. */
export function observeDrift(nft: Nft, { table }: Desired): PlanEntry[] {
  return nft
    .drift(table)
    .map((change) => ({ what: change.text, why: 'the kernel is not as the services room wrote it' }));
}
