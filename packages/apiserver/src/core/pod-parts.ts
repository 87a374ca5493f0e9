import type { Container, PodSpec } from 'kubernetes-types/core/v1.js';
import type { ApiObject } from '../seam.ts';

type Containers = readonly Container[];

/** A write of `pods/ephemeralcontainers` leaves all but these alone. */
export function changedEphemeralContainers(next: ApiObject, old: ApiObject): ApiObject {
  const { ephemeralContainers: _, ...rest } = specOf(old);
  const { ephemeralContainers } = specOf(next);
  return podWith(next, old, { ...rest, ...(ephemeralContainers ? { ephemeralContainers } : {}) } as PodSpec);
}

/** A write of `pods/resize` leaves all but resources of containers alone; other containers are for the checks to refuse. */
export function changedResources(next: ApiObject, old: ApiObject): ApiObject {
  const [is, was] = [specOf(next), specOf(old)];
  const containers = withResources(is.containers, was.containers);
  const initContainers = withResources(is.initContainers, was.initContainers);
  return podWith(next, old, {
    ...was,
    ...(containers && { containers }),
    ...(initContainers && { initContainers }),
  } as PodSpec);
}

function withResources(next: Containers | undefined, old: Containers = []): Containers | undefined {
  if (!Array.isArray(next) || next.length !== old.length || next.some((one, i) => one?.name !== old[i]?.name))
    return next;
  return old.map(({ resources: _, resizePolicy: __, ...rest }, index) => {
    const { resources, resizePolicy } = next[index] as Container;
    return { ...rest, ...(resources && { resources }), ...(resizePolicy && { resizePolicy }) };
  });
}

function podWith({ metadata: { managedFields } }: ApiObject, old: ApiObject, spec: PodSpec): ApiObject {
  return { ...old, metadata: { ...old.metadata, ...(managedFields ? { managedFields } : {}) }, spec };
}

function specOf({ spec }: ApiObject): Partial<PodSpec> {
  return (spec ?? {}) as Partial<PodSpec>;
}
