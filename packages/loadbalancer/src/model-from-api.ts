import { familyOf, type IpAddress, type Prefix, prefixContains, tryParseIp } from '@podwire/base';
import type { EndpointSlice, Node, Service } from '@podwire/kube';
import { addressRequest } from './address-request.ts';
import type { AnnouncedAddress, Claimant } from './model.ts';

/** spec.loadBalancerClass of services that want this room although another one is the default. */
const LOAD_BALANCER_CLASS = 'podwire.io/load-balancer';
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

export function isOurs({ spec }: Service): boolean {
  return spec?.type === 'LoadBalancer' && [undefined, LOAD_BALANCER_CLASS].includes(spec.loadBalancerClass);
}

export function serviceKey({ metadata }: Service): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}

export function statusAddresses(service: Service): IpAddress[] {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return ingress.map(({ ip }) => tryParseIp(ip ?? '')).filter((address) => address !== undefined);
}

/** `written`: what the allocator wrote to the status and has not seen come back yet. */
export function claimantFromApi(service: Service, written?: IpAddress): Claimant {
  const current = statusAddresses(service)[0] ?? written;
  return {
    service: serviceKey(service),
    created: String(service.metadata?.creationTimestamp ?? ''),
    request: addressRequest(service),
    ...(current && { current }),
  };
}

/** Names of the nodes that may announce (LB-4), sorted. */
export function announcingNodes(nodes: readonly Node[]): string[] {
  const eligible = nodes.filter(({ metadata, status }) => {
    const ready = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    return ready && !metadata?.deletionTimestamp && !(EXCLUDED in (metadata?.labels ?? {}));
  });
  return eligible.map((node) => node.metadata?.name ?? '').sort();
}

/** Announcing IPv6 takes neighbour discovery, which is not here yet. */
export function usablePools(pools: readonly Prefix[]): Prefix[] {
  return pools.filter((pool) => familyOf(pool) === 'ipv4');
}

/** The service's addresses that come from our pools; others are somebody else's to announce. */
export function announcedAddresses(
  service: Service,
  slices: readonly EndpointSlice[],
  pools: readonly Prefix[],
): AnnouncedAddress[] {
  if (!isOurs(service)) return [];
  const own = statusAddresses(service).filter((address) =>
    usablePools(pools).some((pool) => prefixContains(pool, address)),
  );
  const onlyNodes = service.spec?.externalTrafficPolicy === 'Local' ? nodesWithEndpoint(slices) : undefined;
  return own.map((address) => ({ address, service: serviceKey(service), ...(onlyNodes && { onlyNodes }) }));
}

function nodesWithEndpoint(slices: readonly EndpointSlice[]): string[] {
  const ready = slices.flatMap(({ endpoints }) =>
    (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false),
  );
  return [...new Set(ready.map(({ nodeName }) => nodeName).filter((name) => name !== undefined))].sort();
}

/** InternalIP of a node. */
export function nodeAddress(node: Node | undefined): IpAddress | undefined {
  const entry = node?.status?.addresses?.find(({ type }) => type === 'InternalIP');
  return entry && tryParseIp(entry.address);
}
