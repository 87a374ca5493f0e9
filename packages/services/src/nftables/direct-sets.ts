import type { Family } from '@podwire/base';
import type { DataType, ElementChange, NamedSet, SetElement } from '@podwire/nft';
import type { NodeModel } from '../model.ts';
import { nextHopOf, type Peers } from '../peers.ts';
import { nodeMarks } from './direct-layout.ts';

/** Those that packets fill, and those that hold all nodes; the others are among the sets of services. */
export type DirectSet = 'direct-nodes' | 'direct-live' | 'direct-tcp' | 'direct-closing' | 'direct-udp';

/** Of connections that are handed over. */
const REMEMBERED = 1 << 20;

/** Present only while a service asks for direct server return. */
export function directSets(family: Family, { node, peers }: { readonly node: NodeModel; readonly peers: Peers }) {
  const address: DataType = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
  const nodes = nodeElements(family, node, peers);
  const flow = { key: [address, 'inet_service', address, 'inet_service'], dynamic: true, hasTimeouts: true } as const;
  const flows = (name: DirectSet, comment: string): NamedSet => ({
    ...{ name, ...flow, data: ['mark'], size: REMEMBERED, comment },
    elements: [],
  });
  const sets: (NamedSet & { readonly name: DirectSet })[] = [
    { name: 'direct-nodes', key: ['mark'], data: [address], comment: 'other nodes', elements: nodes },
    { name: 'direct-live', key: ['mark'], comment: 'the same', elements: nodes.map(({ key }) => ({ key })) },
    { ...flows('direct-tcp', 'client, service address -> node'), name: 'direct-tcp' },
    { ...flows('direct-udp', 'client, service address -> node'), name: 'direct-udp' },
    {
      name: 'direct-closing',
      ...flow,
      size: REMEMBERED,
      comment: 'connections that the client ends',
      elements: [],
    },
  ];
  return sets;
}

/** What is different when other nodes are known, or known to be elsewhere; what is in both lists of a set is put in. */
export function nodeChanges(
  family: Family,
  node: NodeModel,
  [before, after]: readonly [Peers, Peers],
): ElementChange[] {
  const remove = nodeElements(family, node, before);
  const add = nodeElements(family, node, after);
  return [
    { set: 'direct-nodes' satisfies DirectSet, remove, add },
    { set: 'direct-live' satisfies DirectSet, remove, add: add.map(({ key }) => ({ key })) },
  ];
}

function nodeElements(
  family: Family,
  node: NodeModel,
  peers: Peers,
): (SetElement & { readonly data: readonly string[] })[] {
  const marks = nodeMarks(peers);
  return [...peers.nodes].flatMap(([name, peer]) => {
    const address = name === node.name ? undefined : nextHopOf(peer, family);
    return address ? [{ key: [marks.get(name) ?? 0], data: [address] }] : [];
  });
}
