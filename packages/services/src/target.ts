import type { Family } from '@podwire/base';
import { type EndpointModel, isOf, type NodeModel, type ServiceModel, type ServicePortModel } from './model.ts';

/** More endpoints of one port than this are not used: as many as the slots of mode nftables, so that modes agree. */
export const MAX_ENDPOINTS = 0x3fff;

/** What happens to a new connection to a service address. */
export type Target =
  | { readonly kind: 'serve'; readonly endpoints: readonly EndpointModel[] }
  /** Refused at once: there is no endpoint anywhere (SVC-4). */
  | { readonly kind: 'reject' }
  /** Silence: Local policy, and the endpoints are elsewhere (SVC-5). */
  | { readonly kind: 'drop' };

export interface PortTargets {
  readonly internal: Target;
  readonly external: Target;
  /** For pods and the node itself at external addresses, where it differs (SVC-13). */
  readonly inside?: Target;
}

/** What connections to a port's addresses of one family come to on the node. */
export function portTargets(
  service: ServiceModel,
  port: ServicePortModel,
  { node, family }: { readonly node: NodeModel; readonly family: Family },
): PortTargets {
  const endpoints = endpointsOf(port, family);
  const everywhere = eligible(endpoints, node);
  const cluster: Target = everywhere.length ? { kind: 'serve', endpoints: everywhere } : { kind: 'reject' };
  if (!service.internalLocal && !service.externalLocal) return { internal: cluster, external: cluster };
  const here = eligible(endpoints.filter((endpoint) => endpoint.local));
  const local: Target = here.length
    ? { kind: 'serve', endpoints: here }
    : { kind: everywhere.length ? 'drop' : 'reject' };
  return {
    internal: service.internalLocal ? local : cluster,
    external: service.externalLocal ? local : cluster,
    ...(service.externalLocal && everywhere.length > 0 && { inside: cluster }),
  };
}

/** The endpoints of one family. */
export function endpointsOf({ endpoints }: ServicePortModel, family: Family): readonly EndpointModel[] {
  return endpoints.every(({ address }) => isOf(address, family))
    ? endpoints
    : endpoints.filter(({ address }) => isOf(address, family));
}

/**
 * The ready ones, or else those that still serve while they terminate (SVC-3). With a node, of the ready ones those meant
 * for it.
 */
function eligible(endpoints: readonly EndpointModel[], node?: NodeModel): readonly EndpointModel[] {
  const ready = endpoints.every((endpoint) => endpoint.ready)
    ? endpoints
    : endpoints.filter((endpoint) => endpoint.ready);
  const chosen = ready.length
    ? node
      ? meantFor(node, ready)
      : ready
    : endpoints.filter((endpoint) => endpoint.fallback);
  return chosen.length > MAX_ENDPOINTS ? chosen.slice(0, MAX_ENDPOINTS) : chosen;
}

/** Hints count when every ready endpoint has one and one is for this node, or else for its zone (SVC-20, KEP-3015). */
function meantFor({ name, zone }: NodeModel, ready: readonly EndpointModel[]): readonly EndpointModel[] {
  if (ready.every(({ forNodes }) => forNodes?.length)) {
    const chosen = ready.filter(({ forNodes }) => forNodes?.includes(name));
    if (chosen.length) return chosen;
  }
  if (zone === undefined || !ready.every(({ forZones }) => forZones?.length)) return ready;
  const chosen = ready.filter(({ forZones }) => forZones?.includes(zone));
  return chosen.length ? chosen : ready;
}
