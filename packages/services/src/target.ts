import type { EndpointModel, ServiceModel, ServicePortModel } from './model.ts';
import { MAX_SLOTS } from './nftables/layout.ts';

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

export function portTargets(service: ServiceModel, port: ServicePortModel): PortTargets {
  const everywhere = eligible(port.endpoints);
  const here = eligible(port.endpoints.filter((endpoint) => endpoint.local));
  const cluster: Target = everywhere.length ? { kind: 'serve', endpoints: everywhere } : { kind: 'reject' };
  const local: Target = here.length
    ? { kind: 'serve', endpoints: here }
    : { kind: everywhere.length ? 'drop' : 'reject' };
  return {
    internal: service.internalLocal ? local : cluster,
    external: service.externalLocal ? local : cluster,
    ...(service.externalLocal && everywhere.length > 0 && { inside: cluster }),
  };
}

/** The ready ones, or else those that still serve while they terminate (SVC-3). */
function eligible(endpoints: readonly EndpointModel[]): readonly EndpointModel[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const chosen = ready.length ? ready : endpoints.filter((endpoint) => endpoint.fallback);
  return chosen.length > MAX_SLOTS ? chosen.slice(0, MAX_SLOTS) : chosen;
}
