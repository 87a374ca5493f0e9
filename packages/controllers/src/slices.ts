import { familyOf, selectorMatches, tryParseIp } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { isReady, keyOf, nameOf, namespaceOf, ownedBy } from './context.ts';

type Pod = ObjectOf<'Pod'>;
type Service = ObjectOf<'Service'>;
type EndpointSlice = ObjectOf<'EndpointSlice'>;
type Endpoint = EndpointSlice['endpoints'][number];
type SlicePort = NonNullable<EndpointSlice['ports']>[number];

export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
export const MANAGER = 'endpointslice-controller.k8s.io';
export const SERVICE_NAME = 'kubernetes.io/service-name';
const MAX_ENDPOINTS = 100;

/**
 * The slices a Service with a selector should have: one set of ports per slice, since a named target port may be another
 * number on each pod; at most 100 endpoints each; in a stable order, so that an unchanged cluster gives the same slices.
 */
export function planSlices(
  service: Service,
  pods: readonly Pod[],
  zones: ReadonlyMap<string, string>,
): EndpointSlice[] {
  const { selector, ports = [], publishNotReadyAddresses = false } = service.spec ?? {};
  if (!selector || Object.keys(selector).length === 0 || service.spec?.type === 'ExternalName') return [];
  const groups = new Map<string, { ports: SlicePort[]; endpoints: Endpoint[] }>();
  for (const pod of pods.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
    const endpoint = endpointOf(pod, zones, { service: nameOf(service), publishNotReady: publishNotReadyAddresses });
    if (
      !endpoint ||
      namespaceOf(pod) !== namespaceOf(service) ||
      !selectorMatches({ matchLabels: selector }, pod.metadata?.labels)
    )
      continue;
    const slicePorts = ports.flatMap((port) => portOf(port, pod));
    const key = JSON.stringify(slicePorts);
    const group = groups.get(key) ?? { ports: slicePorts, endpoints: [] };
    group.endpoints.push(endpoint);
    groups.set(key, group);
  }
  const chunks = [...groups.values()].flatMap(({ ports: slicePorts, endpoints }) =>
    Array.from({ length: Math.ceil(endpoints.length / MAX_ENDPOINTS) }, (_, i) => ({
      ports: slicePorts,
      endpoints: endpoints.slice(i * MAX_ENDPOINTS, (i + 1) * MAX_ENDPOINTS),
    })),
  );
  // A Service without endpoints has one empty slice, as in Kubernetes.
  return (chunks.length > 0 ? chunks : [{ ports: [], endpoints: [] }]).map((chunk, i) => sliceOf(service, chunk, i));
}

function sliceOf(
  service: Service,
  { ports, endpoints }: { ports: SlicePort[]; endpoints: Endpoint[] },
  index: number,
): EndpointSlice {
  return {
    metadata: {
      name: `${nameOf(service)}-${index}`,
      namespace: namespaceOf(service),
      labels: {
        ...service.metadata?.labels,
        [SERVICE_NAME]: nameOf(service),
        [MANAGED_BY]: MANAGER,
        ...(service.spec?.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}),
      },
      ownerReferences: [ownedBy(service, 'Service', 'v1')],
    },
    addressType: 'IPv4',
    endpoints,
    ports,
  };
}

interface Publishing {
  readonly service: string;
  readonly publishNotReady: boolean;
}

function endpointOf(
  pod: Pod,
  zones: ReadonlyMap<string, string>,
  { service, publishNotReady }: Publishing,
): Endpoint | undefined {
  const address = tryParseIp(pod.status?.podIP ?? '');
  const finished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  if (!address || finished || familyOf(address) !== 'ipv4') return undefined;
  const terminating = pod.metadata?.deletionTimestamp !== undefined;
  const serving = isReady(pod);
  const nodeName = pod.spec?.nodeName;
  const zone = nodeName === undefined ? undefined : zones.get(nodeName);
  return {
    addresses: [address],
    conditions: { ready: publishNotReady || (serving && !terminating), serving, terminating },
    targetRef: {
      kind: 'Pod',
      name: nameOf(pod),
      namespace: namespaceOf(pod),
      ...(pod.metadata?.uid ? { uid: pod.metadata.uid } : {}),
    },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(pod.spec?.hostname && pod.spec.subdomain === service ? { hostname: pod.spec.hostname } : {}),
  };
}

type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

/** A named target port that the pod lacks gives no port for it. */
function portOf(port: ServicePort, pod: Pod): SlicePort[] {
  const { name = '', protocol = 'TCP', targetPort = port.port, appProtocol } = port;
  const target = targetPort as number | string;
  const number = typeof target === 'number' ? target : namedPort(pod, target, protocol);
  return number === undefined ? [] : [{ name, port: number, protocol, ...(appProtocol ? { appProtocol } : {}) }];
}

function namedPort(pod: Pod, name: string, protocol: string): number | undefined {
  const ports = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].flatMap((c) => c.ports ?? []);
  return ports.find((p) => p.name === name && (p.protocol ?? 'TCP') === protocol)?.containerPort;
}

/** The older Endpoints object of the same content, which `kubectl describe service` still reads. */
export function planEndpoints(service: Service, slices: readonly EndpointSlice[]): ObjectOf<'Endpoints'> {
  const subsets = slices
    .filter((slice) => slice.endpoints.length > 0)
    .map((slice) => {
      const addresses = (ready: boolean) =>
        slice.endpoints
          .filter((e) => (e.conditions?.ready ?? true) === ready)
          .map((e) => ({
            ip: e.addresses[0] ?? '',
            ...(e.nodeName ? { nodeName: e.nodeName } : {}),
            ...(e.targetRef ? { targetRef: e.targetRef } : {}),
            ...(e.hostname ? { hostname: e.hostname } : {}),
          }));
      const [ready, notReady] = [addresses(true), addresses(false)];
      const ports = (slice.ports ?? []).map(({ name, port, protocol }) => ({
        ...(name ? { name } : {}),
        port: port ?? 0,
        ...(protocol ? { protocol } : {}),
      }));
      return {
        ...(ready.length ? { addresses: ready } : {}),
        ...(notReady.length ? { notReadyAddresses: notReady } : {}),
        ports,
      };
    });
  return {
    metadata: {
      name: nameOf(service),
      namespace: namespaceOf(service),
      labels: { ...service.metadata?.labels, 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    ...(subsets.length ? { subsets } : {}),
  };
}
