import type { IpAddress } from '@podwire/base';
import type { ClusterConfig, PlanEntry } from '@podwire/kube';
import type { SocketAddress } from './sockets.ts';

/** The address node-local resolvers have by custom; it never leaves the node. */
export const NODE_LOCAL_ADDRESS = '169.254.20.10' as IpAddress;
export const DNS_PORT = 53;
/** IFA_PROTO of the addresses this room makes; a kernel before 5.18 does not keep it. */
export const DNS_PROTOCOL = 115;

/** What the room wants on its node besides the zone. */
export interface ListenPlan {
  /** On `lo`, as host addresses. */
  readonly addresses: readonly IpAddress[];
  readonly listen: readonly SocketAddress[];
  readonly upstreams: readonly SocketAddress[];
}

/** `nameservers` are those of the node's resolv.conf, used when the configuration names none. */
export function planListen(config: ClusterConfig, nameservers: readonly IpAddress[]): ListenPlan {
  const addresses = [config.dnsAddress, NODE_LOCAL_ADDRESS];
  const resolvers = config.upstreamResolvers.length > 0 ? config.upstreamResolvers : nameservers;
  const at = (address: IpAddress): SocketAddress => ({ address, port: DNS_PORT });
  return {
    addresses,
    listen: addresses.map(at),
    upstreams: resolvers.filter((resolver) => !addresses.includes(resolver)).map(at),
  };
}

export function addressEntry(address: IpAddress): PlanEntry {
  const why = address === NODE_LOCAL_ADDRESS ? 'node-local DNS address' : 'dnsAddress of the cluster configuration';
  return { what: `address ${address} dev lo scope host proto ${DNS_PROTOCOL}`, why };
}

export function listenEntry({ address, port }: SocketAddress): PlanEntry {
  return { what: `listen ${address} port ${port} udp and tcp`, why: 'pods resolve names here' };
}

export function describeListen(plan: ListenPlan): PlanEntry[] {
  const forward = plan.upstreams.map(({ address }) => ({
    what: `forward to ${address}`,
    why: 'names outside of the cluster',
  }));
  return [...plan.addresses.map(addressEntry), ...plan.listen.map(listenEntry), ...forward];
}
