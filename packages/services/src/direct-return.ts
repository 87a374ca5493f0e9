import type { Family, IpAddress } from '@podwire/base';
import {
  type EndpointModel,
  endpointName,
  isOf,
  keyOf,
  type NodeModel,
  type ServiceModel,
  type ServicePortModel,
  titleOf,
  weightOf,
} from './model.ts';
import { nextHopOf, type Peers } from './peers.ts';
import type { ProxyMode } from './proxy.ts';
import { portTargets } from './target.ts';

/** A node that has endpoints of a port. */
export interface DirectMember {
  readonly node: string;
  /** Where its packets are handed to; absent: this node. */
  readonly address?: IpAddress;
  /** The weights of its endpoints together. */
  readonly weight: number;
}

/** The node the rules are for, the others, and the family of the addresses. */
export interface DirectPlace {
  readonly node: NodeModel;
  readonly family: Family;
  /** Absent: nothing is known of any. */
  readonly peers?: Peers | undefined;
}

/** Whose turn it is at the external addresses of a port, or why clients there are served the ordinary way, in words. */
export type Direct = { readonly members: readonly DirectMember[] } | { readonly refusal: string };

/**
 * Direct server return (annotation podwire.io/forwarding, SVC-33) of a port: every node chooses the same node for a
 * connection, by a hash of its client, and hands its packets over as they are; that one translates for an endpoint of its own,
 * and the replies go from there to the client. Undefined: not asked for, or without endpoints.
 */
export function directReturn(service: ServiceModel, port: ServicePortModel, place: DirectPlace): Direct | undefined {
  if (service.forwarding !== 'dsr') return undefined;
  const { external } = portTargets(service, port, place);
  if (external.kind !== 'serve') return undefined;
  const refusal = refusalOf(service, port);
  if (refusal) return { refusal };
  return membersOf(external.endpoints, place);
}

function refusalOf({ externalLocal, affinitySeconds, balance }: ServiceModel, { protocol }: ServicePortModel) {
  if (externalLocal) return 'does not go with externalTrafficPolicy Local, which keeps connections where they come to';
  if (affinitySeconds > 0) return 'does not go with affinity';
  if (balance === 'source-hash') return 'does not go with balance source-hash';
  return protocol === 'sctp' ? 'is not for SCTP' : undefined;
}

const DUP_MODULES = { ipv4: 'nft_dup_ipv4', ipv6: 'nft_dup_ipv6' } as const;

/** In the order of their names, so that every node makes the same table of them. */
function membersOf(endpoints: readonly EndpointModel[], { node, family, peers }: DirectPlace): Direct {
  if (peers?.withoutDup?.includes(family)) return { refusal: `needs ${DUP_MODULES[family]} of the kernel` };
  const weights = new Map<string, number>();
  for (const endpoint of endpoints) {
    const name = endpoint.local ? node.name : endpoint.nodeName;
    if (!name) return { refusal: `cannot lead to ${endpointName(endpoint)}, which is on no node` };
    weights.set(name, (weights.get(name) ?? 0) + weightOf(endpoint));
  }
  const members: DirectMember[] = [];
  for (const [name, weight] of [...weights].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name === node.name) {
      members.push({ node: name, weight });
      continue;
    }
    const peer = peers?.nodes.get(name);
    const address = peer && nextHopOf(peer, family);
    if (!address)
      return {
        refusal: unreachable(
          name,
          peer?.addresses.find((one) => isOf(one, family)),
        ),
      };
    members.push({ node: name, address, weight });
  }
  return { members };
}

function unreachable(name: string, address: IpAddress | undefined): string {
  if (address) return `cannot lead to ${name}, whose address ${address} is on no link of this node`;
  return `cannot lead to ${name}, which has no InternalIP of the family`;
}

const isWanted = ({ forwarding, externalAddresses, loadBalancerAddresses }: ServiceModel): boolean =>
  forwarding === 'dsr' && externalAddresses.length + loadBalancerAddresses.length > 0;

/** One line per port that asks for it and is served the ordinary way. */
export function directLimits(
  services: Iterable<ServiceModel>,
  place: Omit<DirectPlace, 'family'>,
  families: readonly Family[],
): string[] {
  const lines = new Set<string>();
  for (const service of services) {
    if (!isWanted(service)) continue;
    for (const port of service.ports)
      for (const family of families) {
        const direct = directReturn(service, port, { ...place, family });
        if (direct && 'refusal' in direct)
          lines.add(
            `${titleOf(keyOf(service))} port ${port.name || port.port}: forwarding dsr ${direct.refusal}${REST}`,
          );
      }
  }
  return [...lines];
}

const REST = ', so clients outside are served without it';

/** In the modes that do not have it. */
export function noDirectReturn(service: ServiceModel, mode: ProxyMode): string[] {
  if (!isWanted(service)) return [];
  return [`${titleOf(keyOf(service))}: forwarding dsr is not in mode ${mode}${REST}; choose mode nftables`];
}
