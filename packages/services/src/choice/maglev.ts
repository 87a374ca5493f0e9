import { fnv1a } from '../fnv.ts';
/** One that takes part in a Maglev table. */
export interface MaglevMember {
  /** What its places depend on; of two with the same name one gets the other's leavings. */
  readonly name: string;
  /** How many places it gets for one of the others; absent: 1. */
  readonly weight?: number | undefined;
}

/**
 * Which member each of `size` hashes belongs to, by Maglev's algorithm (Eisenbud and others, NSDI 2016, section 3.4): every
 * member gets its share to within a few places, and when one comes or goes nearly all hashes stay where they were. In a round
 * the heaviest take a place each, others when their weights have added up to as much. `size` is a prime, and much larger than the number of
 * members. Empty without members. The order of the members only decides who takes a place first; ask with a sorted list.
 */
export function maglevTable(members: readonly MaglevMember[], size: number): Uint16Array {
  if (members.length === 0) return new Uint16Array(0);
  const table = new Uint16Array(size);
  const taken = new Uint8Array(size);
  const heaviest = Math.max(...members.map(({ weight = 1 }) => weight));
  const walks = members.map(({ name, weight = 1 }) => ({
    at: hash(name, 0x811c9dc5) % size,
    skip: (hash(name, 0x9e3779b9) % (size - 1)) + 1,
    weight,
    credit: 0,
  }));
  for (let filled = 0; filled < size; )
    for (const [member, walk] of walks.entries()) {
      walk.credit += walk.weight;
      if (walk.credit < heaviest || filled === size) continue;
      walk.credit -= heaviest;
      while (taken[walk.at]) walk.at = (walk.at + walk.skip) % size;
      taken[walk.at] = 1;
      table[walk.at] = member;
      filled++;
    }
  return table;
}

/** FNV-1a with a last mixing (of MurmurHash3), for names that differ in one digit. */
function hash(text: string, seed: number): number {
  let h = fnv1a(text, seed);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
