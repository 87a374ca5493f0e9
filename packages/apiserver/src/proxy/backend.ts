import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { EndpointSlice, Pod } from '@podwire/kube';
import type { Node, Service } from 'kubernetes-types/core/v1.js';
import { readyEndpoints, slicesOf } from '../core/ready-endpoints.ts';
import type { ResourcePath } from '../core/request-path.ts';
import { badRequest, notFound, unavailable } from '../core/status.ts';
import type { Store } from '../core/store.ts';
import type { Streams } from '../seam.ts';

/** A port of a pod or a node that a request goes to. */
export interface Backend {
  /** `10.1.0.5:80`, for messages. */
  readonly address: string;
  readonly isTls: boolean;
  connect(streams: Streams): Promise<Duplex>;
}

interface Named {
  readonly isTls: boolean;
  readonly name: string;
  /** Empty: not said. */
  readonly port: string;
}

const DEFAULT_PORTS = { http: 80, https: 443 };

/**
 * Where `pods/NAME/proxy`, `services/NAME/proxy` and `nodes/NAME/proxy` lead: to pods and nodes only, so that nobody
 * reaches an address that is not theirs. NAME may be `scheme:name:port`. Throws 400, 404 and 503, in the words of Kubernetes.
 */
export function backendOf(store: Store, path: ResourcePath): Backend {
  const { kind, name: id = '', namespace = '' } = path;
  const named = namedBy(id, kind.singular);
  const object = store.get(kind.id, kind.namespaced ? `${namespace}/${named.name}` : named.name);
  if (!object) throw notFound(kind, named.name);
  if (kind.id === 'Pod') return podBackend(object as unknown as Pod, named);
  if (kind.id === 'Service') return serviceBackend(store, object as unknown as Service, { ...named, id });
  return nodeBackend(object as unknown as Node, named);
}

/** The port said, or that of the kubelet, which speaks TLS. */
function nodeBackend({ metadata, status }: Node, { isTls, port }: Named): Backend {
  const { name = '' } = metadata ?? {};
  const kubelet = status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (port === '' && kubelet === undefined) {
    const why = `node ${name} runs no kubelet: status.daemonEndpoints.kubeletEndpoint is not set`;
    throw unavailable(`error trying to reach service: ${why}`);
  }
  const wanted = portNumber(port === '' ? String(kubelet) : port, 'node');
  const ip = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? name;
  const connect = (streams: Streams) => streams.connectNode(name, wanted);
  return { address: addressText(ip, wanted), isTls: isTls || wanted === kubelet, connect };
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
  if (!pod.status?.podIP) throw badRequest('address not allowed');
  const wanted = port === '' ? (declared ?? DEFAULT_PORTS[isTls ? 'https' : 'http']) : portNumber(port, 'pod');
  return backendAt(pod, wanted, isTls);
}

/** Throws 400. */
function portNumber(text: string, what: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw badRequest(`invalid ${what} request: ${JSON.stringify(text)} is no port`);
}

function backendAt(pod: Pod, port: number, isTls: boolean): Backend {
  const connect = (streams: Streams) => streams.connect(pod, port);
  return { address: addressText(pod.status?.podIP ?? '', port), isTls, connect };
}

function addressText(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function serviceBackend(store: Store, service: Service, { id, port, isTls }: Named & { readonly id: string }): Backend {
  const { name = '', namespace = '' } = service.metadata ?? {};
  const wanted = /^\d+$/.test(port) ? portName(service, Number(port)) : port;
  const slices = slicesOf(store, { namespace, name });
  const ready = readyEndpoints(slices, wanted);
  const start = ready.length > 0 ? randomInt(ready.length) : 0;
  for (const { endpoint, number } of [...ready.slice(start), ...ready.slice(0, start)]) {
    const pod = podOf(store, namespace, endpoint);
    if (pod) return backendAt(pod, number, isTls);
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
