import type { Ingress, IngressBackend, IngressRule } from 'kubernetes-types/networking/v1.js';
import type { ApiObject } from '../seam.ts';

interface BetaBackend {
  serviceName?: string;
  servicePort?: number | string;
  resource?: unknown;
}

interface BetaIngress extends Omit<ApiObject, 'spec'> {
  spec?: {
    backend?: BetaBackend;
    rules?: { host?: string; http?: { paths?: (Record<string, unknown> & { backend?: BetaBackend })[] } }[];
  };
}

/** An Ingress of before Kubernetes 1.22 as v1. Fields of v1 in a beta object are kept, so nothing a user wrote vanishes unreported. */
export function ingressFromBeta(object: ApiObject): ApiObject {
  const { backend, ...rest } = ((object as unknown as BetaIngress).spec ?? {}) as NonNullable<BetaIngress['spec']>;
  const spec = {
    ...rest,
    ...(backend === undefined ? {} : { defaultBackend: backendFromBeta(backend) }),
    ...(rest.rules === undefined ? {} : { rules: rest.rules.map((rule) => mapPaths(rule, pathFromBeta)) }),
  };
  return { ...object, spec };
}

/** The stored object in the shape a client of the beta version reads. */
export function ingressToBeta(object: ApiObject): ApiObject {
  const { defaultBackend, ...rest } = (object as unknown as Ingress).spec ?? {};
  const spec = {
    ...rest,
    ...(defaultBackend === undefined ? {} : { backend: backendToBeta(defaultBackend) }),
    ...(rest.rules === undefined ? {} : { rules: rest.rules.map((rule) => mapPaths(rule, pathToBeta)) }),
  };
  return { ...object, spec };
}

type Path = Record<string, unknown>;

function mapPaths(rule: unknown, convert: (path: Path) => Path): unknown {
  const { http } = (rule ?? {}) as { http?: { paths?: unknown } };
  if (!Array.isArray(http?.paths)) return rule;
  return { ...(rule as IngressRule), http: { ...http, paths: http.paths.map(convert) } };
}

function pathFromBeta(path: Path): Path {
  const { backend, pathType = 'ImplementationSpecific', ...rest } = path;
  return { ...rest, pathType, ...(backend === undefined ? {} : { backend: backendFromBeta(backend as BetaBackend) }) };
}

function pathToBeta(path: Path): Path {
  const { backend, pathType, ...rest } = path;
  // Without the default: rules are compared as a whole, and a manifest of the time does not name it.
  const type = pathType === 'ImplementationSpecific' ? {} : { pathType };
  return { ...rest, ...type, ...(backend === undefined ? {} : { backend: backendToBeta(backend as IngressBackend) }) };
}

function backendFromBeta({ serviceName, servicePort, ...rest }: BetaBackend): unknown {
  if (serviceName === undefined && servicePort === undefined) return rest;
  // A servicePort in quotes is a number where it looks like one, as in the conversion of Kubernetes 1.19.
  const numeric = typeof servicePort === 'number' || /^\d+$/.test(servicePort ?? '');
  const port = numeric ? { number: Number(servicePort) } : { name: servicePort };
  return { ...rest, service: { name: serviceName, ...(servicePort === undefined ? {} : { port }) } };
}

function backendToBeta({ service, ...rest }: IngressBackend): BetaBackend {
  if (!service) return rest;
  const port = service.port?.name || service.port?.number;
  return { ...rest, serviceName: service.name, ...(port === undefined ? {} : { servicePort: port }) };
}
