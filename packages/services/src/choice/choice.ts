import type { ServiceModel } from '../model.ts';
import { MAX_ENDPOINTS } from '../target.ts';

export const MAX_SLOTS = MAX_ENDPOINTS;

/** How an entry is led on: to one of its slots, or, by the chains of direct server return, to a node first. */
export type Choice = SlotChoice | 'direct';

/** `inside` is how pods and the node itself use an external address with externalTrafficPolicy Local (SVC-13). */
export interface SlotChoice {
  readonly affinitySeconds: number;
  readonly inside: boolean;
  readonly slots: number;
  /** Absent: at random. */
  readonly balance?: NftBalance;
}

/** Ways of choosing that rules can do. */
export type NftBalance = 'round-robin' | 'source-hash' | 'maglev';
const BALANCE_VALUES: Readonly<Record<NftBalance, number>> = {
  'round-robin': 90_001,
  'source-hash': 90_002,
  maglev: 90_003,
};
/** Places of a Maglev table, a prime: for up to so many endpoints and for more. */
export const MAGLEV_SIZES = { few: 251, many: 2039, fewEndpoints: 25 } as const;

/** What leads to its chain. */
export function choiceValue({ affinitySeconds, inside, slots, balance }: SlotChoice): number {
  return (balance ? BALANCE_VALUES[balance] : affinitySeconds) * 0x8000 + (inside ? 0x4000 : 0) + slots;
}

/** What rules can do of the ways to balance; with affinity a client's first choice is at random. */
export function balanceOf({ affinitySeconds, balance }: ServiceModel): NftBalance | undefined {
  return affinitySeconds > 0 || balance === 'least-connections' || balance === 'random' ? undefined : balance;
}
