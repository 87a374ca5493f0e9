import type { ResourcePath } from './request-path.ts';

/** What Kubernetes 1.33 warns whoever uses a resource of. */
const DEPRECATED: ReadonlyMap<string, string> = new Map([
  ['v1 ComponentStatus', 'v1.19+'],
  ['v1 Endpoints', 'v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  ['extensions/v1beta1 Ingress', 'v1.14+, unavailable in v1.22+; use networking.k8s.io/v1 Ingress'],
  ['networking.k8s.io/v1beta1 Ingress', 'v1.19+, unavailable in v1.22+; use networking.k8s.io/v1 Ingress'],
]);

/** The warning that comes with every answer about the resource; undefined: none. */
export function deprecationOf({ apiVersion, kind }: Pick<ResourcePath, 'apiVersion' | 'kind'>): string | undefined {
  const since = DEPRECATED.get(`${apiVersion} ${kind.kind}`);
  return since === undefined ? undefined : `${apiVersion} ${kind.kind} is deprecated in ${since}`;
}
