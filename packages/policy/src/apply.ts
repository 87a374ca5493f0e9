import type { Nft } from '@podwire/nft';
import { type PolicyPlan, TABLE_NAME } from './plan.ts';

/** Commands of one pass. */
interface Applied {
  readonly commands: number;
  /** Those of them that mend what somebody else changed. */
  readonly repairs: number;
}

/** Writes the plan in one transaction; `look` first compares what was written last with the kernel instead of trusting it. */
export function applyPlan(nft: Nft, { table }: PolicyPlan, look: boolean): Applied {
  const repairs = look ? nft.repair(table).commands : 0;
  return { repairs, commands: repairs + nft.apply(table).commands };
}

export function removePlan(nft: Nft): void {
  nft.delete('ip', TABLE_NAME);
}
