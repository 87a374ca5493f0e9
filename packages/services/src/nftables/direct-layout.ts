import { MAGLEV_SIZES } from '../choice/choice.ts';
import { fnv1a } from '../fnv.ts';
import type { Peers } from '../peers.ts';

/**
 * The packet mark is scratch in the chains of direct server return (prerouting, -170), and on the copy for another node until
 * output; 0 for everything else. 0: a packet with a mark of somebody else's does not come here.
 *
 *   node        10110101 11010100 nnnnnnnn nnnnnnnn    n: number of the other node
 *   place       00000000 00000000 0000pppp pppppppp    p: in the Maglev table
 */
export const DIRECT_MARK = 0xb5d40000;
export const DIRECT_MASK = 0xffff0000;

/**
 * The DSCP of what a node hands to another, which serves it, whatever its own table says: so nothing is handed over twice,
 * also while two nodes do not know the same endpoints. Of pool 2, for local use (RFC 2474, section 6).
 * It stays: in IPv6 a kernel that has put fragments together (6.18) takes the checksum for wrong when the DSCP is changed.
 */
export const HANDED_OVER = 0x2b;

export const placesFor = (members: number): number =>
  members > MAGLEV_SIZES.fewEndpoints ? MAGLEV_SIZES.many : MAGLEV_SIZES.few;

const NUMBERS = new WeakMap<Peers, ReadonlyMap<string, number>>();

/** Marks of nodes by name: they depend on the name, but for those few that would have the same. */
export function nodeMarks(peers: Peers): ReadonlyMap<string, number> {
  const known = NUMBERS.get(peers);
  if (known) return known;
  const marks = new Map<string, number>();
  const taken = new Set<number>();
  for (const name of [...peers.nodes.keys()].sort()) {
    let number = fnv1a(name) & 0xffff;
    while (taken.has(number)) number = (number + 1) & 0xffff;
    taken.add(number);
    marks.set(name, DIRECT_MARK + number);
  }
  NUMBERS.set(peers, marks);
  return marks;
}
