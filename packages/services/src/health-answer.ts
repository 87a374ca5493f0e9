import type { ServiceModel } from './model.ts';

/** An answer to an HTTP GET. */
export interface HealthAnswer {
  readonly status: 200 | 404 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** What is known of the proxy itself. */
export interface ProxyHealth {
  /** The rules are as the API server says, or have been waiting to become so for a short time only. */
  readonly current: boolean;
  /** The node is not about to be deleted. */
  readonly eligible: boolean;
  /** When the rules were last brought in step, ms since 1970; absent: never. */
  readonly updated?: number;
}

/** Of a health check node port (SVC-15): whether a balancer may send connections of the service to this node. */
export function serviceHealth(service: ServiceModel, { current }: ProxyHealth): HealthAnswer {
  const ready = service.ports.flatMap(({ endpoints }) => endpoints.filter((one) => one.local && one.ready));
  const local = new Set(ready.map(({ address }) => address)).size;
  return {
    status: local > 0 && current ? 200 : 503,
    headers: { 'x-load-balancing-endpoint-weight': String(local) },
    body: {
      service: { namespace: service.namespace, name: service.name },
      localEndpoints: local,
      serviceProxyHealthy: current,
    },
  };
}

/**
 * Of the proxy (SVC-16, KEP-3836): `/livez` is 503 while the rules are stale; `/healthz` also while the node is being
 * deleted, so that balancers drain it.
 */
export function proxyHealth(path: string, health: ProxyHealth, now: number): HealthAnswer {
  const { current, eligible, updated } = health;
  const times = {
    ...(updated !== undefined && { lastUpdated: new Date(updated).toISOString() }),
    currentTime: new Date(now).toISOString(),
  };
  if (path === '/healthz')
    return { status: current && eligible ? 200 : 503, headers: {}, body: { ...times, nodeEligible: eligible } };
  if (path === '/livez') return { status: current ? 200 : 503, headers: {}, body: times };
  return { status: 404, headers: {}, body: { paths: ['/healthz', '/livez'] } };
}
