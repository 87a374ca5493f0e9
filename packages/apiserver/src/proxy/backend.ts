import { randomInt } from 'node:crypto';
import type { EndpointSlice, Pod } from '@podwire/kube';
import type { Service } from 'kubernetes-types/core/v1.js';
import { readyEndpoints, slicesOf } from '../core/ready-endpoints.ts';
import type { ResourcePath } from '../core/request-path.ts';
import { badRequest, notFound, unavailable } from '../core/status.ts';
import type { Store } from '../core/store.ts';

/** A port of a pod that a request goes to. */
export interface Backend {
  readonly pod: Pod;
  readonly port: number;
  readonly isTls: boolean;
}

interface Named {
  readonly isTls: boolean;
  readonly name: string;
  /** Empty: not said. */
  readonly port: string;
}

const DEFAULT_PORTS = { http: 80, https: 443 };

/**
 * Where `pods/NAME/proxy` and `services/NAME/proxy` lead: to pods only, so that nobody reaches an address that is not a
 * pod's. NAME may be `scheme:name:port`. Throws 400, 404 and 503, in the words of Kubernetes.
 */
export function backendOf(store: Store, path: ResourcePath): Backend {
  const { kind, name: id = '', namespace = '' } = path;
  const named = namedBy(id, kind.singular);
  const object = store.get(kind.id, kind.namespaced ? `${namespace}/${named.name}` : named.name);
  if (kind.id === 'Pod') {
    if (!object) throw notFound(kind, named.name);
    return podBackend(object as unknown as Pod, named);
  }
  if (!object) throw notFound(kind, named.name);
  if (kind.id === 'Service') return serviceBackend(store, object as unknown as Service, { ...named, id });
  throw unavailable(`error trying to reach service: node ${named.name} serves no kubelet API`);
}

/** `name`, `name:port` and `scheme:name:port`. */
function namedBy(id: string, what: string): Named {
  const parts = id.split(':');
  const [scheme = '', name = '', port = ''] = parts.length < 3 ? ['', ...parts] : parts;
  const isKnown = ['', 'http', 'https'].includes(scheme);
  if (parts.length > 3 || name === '' || !isKnown) throw badRequest(`invalid ${what} request ${JSON.stringify(id)}`);
  return { isTls: scheme === 'https', name, port };
}

/** The port said, or the first that a container names. */
function podBackend(pod: Pod, { isTls, port }: Named): Backend {
  const declared = pod.spec?.containers.flatMap(({ ports = [] }) => ports).at(0)?.containerPort;
  const wanted = port === '' ? (declared ?? DEFAULT_PORTS[isTls ? 'https' : 'http']) : Number(port);
  if (!pod.status?.podIP) throw badRequest('address not allowed');
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > 65_535)
    throw badRequest(`invalid pod request: ${JSON.stringify(port)} is no port`);
  return { pod, port: wanted, isTls };
}

function serviceBackend(store: Store, service: Service, { id, port, isTls }: Named & { readonly id: string }): Backend {
  const { name = '', namespace = '' } = service.metadata ?? {};
  const wanted = /^\d+$/.test(port) ? portName(service, Number(port)) : port;
  const slices = slicesOf(store, { namespace, name });
  const ready = readyEndpoints(slices, wanted);
  const start = ready.length > 0 ? randomInt(ready.length) : 0;
  for (const { endpoint, number } of [...ready.slice(start), ...ready.slice(0, start)]) {
    const pod = podOf(store, namespace, endpoint);
    if (pod) return { pod, port: number, isTls };
  }
  throw unavailable(`no endpoints available for service ${JSON.stringify(slices.length > 0 ? id : name)}`);
}

function portName(service: Service, number: number): string {
  const port = service.spec?.ports?.find((one) => one.port === number);
  if (port) return port.name ?? '';
  throw unavailable(`no service port ${number} found for service ${JSON.stringify(service.metadata?.name)}`);
}

/** The pod an endpoint says it is, if it is. */
function podOf(store: Store, namespace: string, { targetRef, addresses }: EndpointSlice['endpoints'][0]) {
  if (targetRef?.kind !== 'Pod' || (targetRef.namespace ?? namespace) !== namespace) return undefined;
  const pod = store.get('Pod', `${namespace}/${targetRef.name}`) as unknown as Pod | undefined;
  if (!pod || (targetRef.uid && targetRef.uid !== pod.metadata?.uid)) return undefined;
  const own = [pod.status?.podIP, ...(pod.status?.podIPs ?? []).map(({ ip }) => ip)];
  return addresses.some((address) => own.includes(address)) ? pod : undefined;
}
