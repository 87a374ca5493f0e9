import type { ServiceModel } from './model.ts';
import { MAX_ENDPOINTS } from './target.ts';

/** One line per port with more endpoints than are used. */
export function sizeLimits(service: ServiceModel): string[] {
  return service.ports.flatMap(({ port, endpoints }) =>
    endpoints.length > MAX_ENDPOINTS
      ? [
          `Service ${service.namespace}/${service.name} port ${port}: ${endpoints.length} endpoints, of which ${MAX_ENDPOINTS} are used; split the service`,
        ]
      : [],
  );
}
