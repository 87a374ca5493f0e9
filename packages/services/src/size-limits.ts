import { keyOf, type ServiceModel, titleOf } from './model.ts';
import { MAX_ENDPOINTS } from './target.ts';

/** One line per port with more endpoints than are used. */
export function sizeLimits(service: ServiceModel): string[] {
  return service.ports.flatMap(({ port, endpoints }) =>
    endpoints.length > MAX_ENDPOINTS
      ? [
          `${titleOf(keyOf(service))} port ${port}: ${endpoints.length} endpoints, of which ${MAX_ENDPOINTS} are used; split the service`,
        ]
      : [],
  );
}
