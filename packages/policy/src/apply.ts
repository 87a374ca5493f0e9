import type { Nft } from '@podwire/nft';
import { type PolicyPlan, TABLE_NAME } from './plan.ts';

/** Writes the plan in one transaction; `look` compares with the kernel first instead of trusting the last write. */
export function applyPlan(nft: Nft, { table }: PolicyPlan, look: boolean): number {
  if (look) nft.forget(table.family, table.name);
  return nft.apply(table).commands;
}

export function removePlan(nft: Nft): void {
  nft.delete('ip', TABLE_NAME);
}
