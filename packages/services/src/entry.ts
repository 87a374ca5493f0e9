import type { Family, IpAddress } from '@podwire/base';
import {
  type EndpointModel,
  endpointName,
  type NodeModel,
  ofFamily,
  type Protocol,
  type ServiceModel,
  type ServicePortModel,
} from './model.ts';
import { isRoutable } from './nftables/service-plan.ts';
import { portTargets, type Target } from './target.ts';

/** In the order in which they win when two services want the same address and port. */
export const ADDRESS_KINDS = ['cluster IP', 'node port', 'load-balancer IP', 'external IP'] as const;
export type AddressKind = (typeof ADDRESS_KINDS)[number];

/** One address, protocol and port of a service, and what a new connection to it comes to. */
export interface Entry {
  /** `10.96.0.1 tcp 80`: of all entries with the same one only the first takes effect. */
  readonly id: string;
  readonly kind: AddressKind;
  readonly address: IpAddress;
  /** Of the address; the port model has the service's own. */
  readonly port: number;
  readonly protocol: Protocol;
  readonly target: Target;
  /** For pods and the node itself, where it differs (SVC-13). */
  readonly inside?: Target;
  readonly what: string;
  readonly why: string;
}

/** All entries of one port in one family. */
export function portEntries(
  service: ServiceModel,
  port: ServicePortModel,
  where: { readonly node: NodeModel; readonly family: Family },
): Entry[] {
  const { internal, external, inside } = portTargets(service, port, where);
  const outer = { target: external, ...(inside && { inside }) };
  const why = `Service ${service.namespace}/${service.name} port ${port.name || port.port}`;
  const entries = (
    kind: AddressKind,
    addresses: readonly IpAddress[],
    number: number,
    targets: Pick<Entry, 'target' | 'inside'>,
  ): Entry[] =>
    ofFamily(addresses, where.family).map((address) => {
      const id = `${address} ${port.protocol} ${number}`;
      const what = `${kind} ${id} ${describe(targets.target)}${targets.inside ? `, from inside ${describe(targets.inside)}` : ''}`;
      return { id, kind, address, port: number, protocol: port.protocol, ...targets, what, why };
    });
  return [
    ...entries('cluster IP', service.clusterAddresses, port.port, { target: internal }),
    ...(port.nodePort
      ? entries('node port', where.node.nodePortAddresses.filter(isRoutable), port.nodePort, outer)
      : []),
    ...entries('load-balancer IP', service.loadBalancerAddresses, port.port, outer),
    ...entries('external IP', service.externalAddresses, port.port, outer),
  ];
}

/** Every endpoint a connection may lead to, each once. */
export function reachable({ target, inside }: Pick<Entry, 'target' | 'inside'>): readonly EndpointModel[] {
  if (!inside) return served(target);
  return [...new Map([...served(target), ...served(inside)].map((one) => [endpointName(one), one])).values()];
}

export const served = (target: Target | undefined): readonly EndpointModel[] =>
  target?.kind === 'serve' ? target.endpoints : [];

function describe(target: Target): string {
  if (target.kind === 'reject') return 'is refused: no endpoints';
  if (target.kind === 'drop') return 'is dropped: Local policy and no endpoint on this node';
  return `-> ${target.endpoints.map(endpointName).join(', ')}`;
}

/** Of several entries for one address, protocol and port the first kind wins, then the first in order. */
export function settleEntries<E extends Pick<Entry, 'id' | 'kind' | 'why'>>(
  entries: readonly E[],
): { readonly winners: readonly E[]; readonly conflicts: readonly string[] } {
  const winners = new Map<string, E>();
  const conflicts: string[] = [];
  for (const entry of entries) {
    const rival = winners.get(entry.id);
    if (!rival || rank(entry) < rank(rival)) winners.set(entry.id, entry);
    if (!rival) continue;
    const [winner, loser] = winners.get(entry.id) === entry ? [entry, rival] : [rival, entry];
    conflicts.push(`${loser.why}: its ${loser.kind} ${loser.id} belongs to ${winner.why} already; change one of them`);
  }
  return {
    winners: conflicts.length ? entries.filter((entry) => winners.get(entry.id) === entry) : entries,
    conflicts,
  };
}

const rank = ({ kind }: Pick<Entry, 'kind'>): number => ADDRESS_KINDS.indexOf(kind);
