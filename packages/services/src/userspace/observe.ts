import type { PlanEntry } from '@podwire/kube';
import type { Nft, Table } from '@podwire/nft';

/** What it would take to make the kernel's tables the desired ones; empty when in step. */
export function observeDrift(nft: Nft, tables: readonly Table[]): PlanEntry[] {
  return tables
    .flatMap((table) => nft.drift(table))
    .map((change) => ({ what: change.text, why: 'the kernel is not as the services room wrote it' }));
}
