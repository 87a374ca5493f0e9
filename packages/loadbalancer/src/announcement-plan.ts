import type { IpAddress } from '@podwire/base';
import type { PlanEntry } from '@podwire/kube';
import type { AnnouncedAddress, AnnouncementModel } from './model.ts';

export interface Announcement {
  /** What this node puts on its uplink, sorted. */
  readonly own: readonly IpAddress[];
  readonly entries: readonly PlanEntry[];
}

export function planAnnouncement({ nodeName, nodes, addresses }: AnnouncementModel): Announcement {
  const sorted = [...addresses].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  const decided = sorted.map((one) => ({ ...one, owner: ownerOf(one, nodes) }));
  return {
    own: [...new Set(decided.filter(({ owner }) => owner === nodeName).map(({ address }) => address))],
    entries: decided.map(({ address, service, owner }) => ({
      what: owner ? `${address} is announced by ${owner}` : `${address} is announced by nobody`,
      why: owner ? `Service ${service}` : `Service ${service}: no ready node is eligible`,
    })),
  };
}

/**
 * Rendezvous hashing: every node scores every address, the best eligible one owns it. All nodes come to the same answer
 * without talking, and an address moves only when its owner becomes ineligible or a better one eligible.
 */
export function ownerOf({ address, onlyNodes }: AnnouncedAddress, nodes: readonly string[]): string | undefined {
  const eligible = onlyNodes ? nodes.filter((node) => onlyNodes.includes(node)) : nodes;
  let best: { node: string; score: number } | undefined;
  for (const node of eligible) {
    const score = hash(`${node} ${address}`);
    if (!best || score > best.score || (score === best.score && node < best.node)) best = { node, score };
  }
  return best?.node;
}

/** FNV-1a with murmur3's finish, without which similar names get similar scores. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
