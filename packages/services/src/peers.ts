import type { Family, IpAddress } from '@podwire/base';
import type { Node } from '@podwire/kube';
import { isOf } from './model.ts';
import { nodeFromApi } from './model-from-api.ts';

/** A node of the cluster, as far as packets can be handed to it. */
export interface Peer {
  /** The first InternalIP of each family. */
  readonly addresses: readonly IpAddress[];
  /** Those of them that are on no link of this node: a router would not know what to do with a packet for a service. */
  readonly distant?: readonly IpAddress[];
}

/** To whom this node can hand packets over. */
export interface Peers {
  /** By name of the node, this one among them. */
  readonly nodes: ReadonlyMap<string, Peer>;
  /** Families in which the kernel of this node cannot, for it has no `dup`; absent: none. */
  readonly withoutDup?: readonly Family[];
}

export const NOBODY: Peers = { nodes: new Map() };

export function peerFromApi(node: Node): Peer {
  return { addresses: nodeFromApi(node, '').addresses };
}

/** Without a kernel nobody knows which are distant: none is. */
export function peersFromApi(nodes: Iterable<Node>): Peers {
  return { nodes: new Map([...nodes].map((node) => [node.metadata?.name ?? '', peerFromApi(node)])) };
}

/** Where packets of a family are handed to; undefined: it has no such address, or one that is distant. */
export function nextHopOf({ addresses, distant = [] }: Peer, family: Family): IpAddress | undefined {
  return addresses.find((address) => isOf(address, family) && !distant.includes(address));
}
