import type { SetElement } from '@podwire/nft';
import { maglevTable } from '../choice/maglev.ts';
import type { DirectMember } from '../direct-return.ts';
import type { Entry } from '../entry.ts';
import type { Peers } from '../peers.ts';
import type { PlannedElement } from '../ruleset/service-plan.ts';
import { directChain } from './direct-chains.ts';
import { nodeMarks, placesFor } from './direct-layout.ts';

/** Which node's turn it is at an address and port: its Maglev table. This node has mark 0. */
export function directElements(
  { address, protocol, port }: Entry,
  members: readonly DirectMember[],
  peers: Peers | undefined,
): PlannedElement[] {
  const key: SetElement['key'] = [address, protocol, port];
  const marks = peers && nodeMarks(peers);
  const markOf = ({ node, address }: DirectMember): number => (address ? (marks?.get(node) ?? 0) : 0);
  const places = placesFor(members.length);
  const table = maglevTable(
    members.map(({ node, weight }) => ({ name: node, weight })),
    places,
  );
  const elements: PlannedElement[] = [
    ['direct', { key, data: directChain(protocol === 'udp' ? 'udp' : 'tcp', places) }],
  ];
  for (const [place, member] of table.entries())
    elements.push(['direct-places', { key: [...key, place], data: [markOf(members[member] as DirectMember)] }]);
  if (protocol === 'udp')
    for (const member of members)
      if (member.address) elements.push(['direct-members', { key: [...key, markOf(member)] }]);
  return elements;
}
