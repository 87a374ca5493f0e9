import type { Family } from '@podwire/base';
import type { Table } from '@podwire/nft';

/** The mark of this room: everything in these tables is ours, nothing outside them is. Both have the same rules. */
export const TABLES = {
  ipv4: { family: 'ip', name: 'podwire-services' },
  ipv6: { family: 'ip6', name: 'podwire-services' },
} as const satisfies Readonly<Record<Family, Pick<Table, 'family' | 'name'>>>;

/**
 * The packet mark is scratch between the nat chains (-100) and the restoring ones (-99); then it is as before.
 *
 *   svc value   aaaaaaaa aaaaaaaa a i nnnnnn nnnnnnnn    a: affinity seconds (at most 86,400), i: variant inside,
 *                                                        n: number of slots
 *   slot, id    10110101 11010000 s i ssssss ssssssss    SCRATCH and a slot (with i) or an endpoint's affinity id (all s)
 *
 * Other ways to choose than at random stand in the place of affinity seconds nobody can have. No svc value can look like
 * SCRATCH: both 86,400 << 15 and those are less.
 */
export const SCRATCH = 0xb5d00000;
export const SCRATCH_MASK = 0xffff0000;
export function slotMark(inside: boolean, slot: number): number {
  return SCRATCH + (inside ? 0x4000 : 0) + slot;
}

export function idMark(id: number): number {
  return SCRATCH + id;
}
