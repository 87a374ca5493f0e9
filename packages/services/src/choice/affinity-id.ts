import { fnv1a } from '../fnv.ts';
import { type EndpointModel, endpointName } from '../model.ts';

/**
 * A 16-bit number per endpoint that depends on the endpoint and not on its slot, so a client stays with its endpoint when
 * others come and go. Equal hashes take the next free number, in the order of the list.
 */
export function affinityIds(endpoints: readonly EndpointModel[]): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  const taken = new Set<number>();
  for (const endpoint of endpoints) {
    const name = endpointName(endpoint);
    let id = hash16(name);
    while (taken.has(id)) id = (id + 1) & 0xffff;
    taken.add(id);
    ids.set(name, id);
  }
  return ids;
}

/** FNV-1a, folded. */
function hash16(text: string): number {
  const hash = fnv1a(text);
  return ((hash >>> 16) ^ hash) & 0xffff;
}
