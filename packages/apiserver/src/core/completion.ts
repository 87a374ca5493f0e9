import { cloneJson, type Kind } from '@podwire/kube';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { ApiObject } from '../seam.ts';
import { isObject } from './patches.ts';
import { protectedCidr } from './service-cidrs.ts';
import { completeNew, completeUpdate } from './service-update.ts';

/** With what the server, not the client, says about a new or changed object. */
export function completed(kind: Kind, next: ApiObject, old?: ApiObject): ApiObject {
  if (kind.id === 'ServiceCIDR' && !old) return protectedCidr(next);
  const keepsSpec = kind.id === 'Namespace' || kind.id === 'CertificateSigningRequest';
  if (keepsSpec && old) return { ...next, spec: old.spec };
  // What is not shaped like a Service is left for the validation to report.
  if (kind.id !== 'Service' || !isServiceSpec(next.spec)) return next;
  const spec = cloneJson(next.spec);
  if (old) completeUpdate(spec, (old.spec ?? {}) as ServiceSpec);
  else completeNew(spec);
  return { ...next, spec };
}

function isServiceSpec(spec: unknown): spec is ServiceSpec {
  if (!isObject(spec)) return false;
  const { ports, clusterIPs, ipFamilies } = spec;
  const lists = [ports, clusterIPs, ipFamilies].map((list) => list ?? []);
  return lists.every(Array.isArray) && (lists[0] as unknown[]).every(isObject);
}

/** Whether it has external addresses that it did not have. */
export function addsExternalIps(next: ApiObject, old: ApiObject | undefined): boolean {
  const externalIPs = (object: ApiObject | undefined) => (object?.spec as ServiceSpec | undefined)?.externalIPs ?? [];
  return externalIPs(next).some((ip) => !externalIPs(old).includes(ip));
}

/** What a load balancer wrote is void when the Service asks for none any more. */
export function withoutStaleBalancer(kind: Kind, object: ApiObject): ApiObject {
  const { spec, status } = object as { spec?: ServiceSpec; status?: object };
  if (kind.id !== 'Service' || spec?.type === 'LoadBalancer' || !status) return object;
  return { ...object, status: { ...status, loadBalancer: {} } };
}
