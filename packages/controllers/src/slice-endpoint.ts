import { type Family, familyOf, tryParseIp } from '@podwire/base';
import { isPodOver, type ObjectOf } from '@podwire/kube';
import { isReady, nameOf, namespaceOf } from './context.ts';
import type { Topology } from './topology.ts';

type Pod = ObjectOf<'Pod'>;
type Service = ObjectOf<'Service'>;
type Endpoint = ObjectOf<'EndpointSlice'>['endpoints'][number];
export type SlicePort = NonNullable<ObjectOf<'EndpointSlice'>['ports']>[number];

/**
 * A pod as an endpoint: at its first address of the family. None for a pod without one, that has ended, or that stands on
 * a node there is not; the last is still wanted by a Service with publishNotReadyAddresses.
 */
export function endpointOf(
  pod: Pod,
  service: Service,
  { family, zones }: Pick<Topology, 'zones'> & { readonly family: Family },
): Endpoint | undefined {
  const address = addressOf(pod, family);
  const nodeName = pod.spec?.nodeName;
  const lost = nodeName !== undefined && !zones.has(nodeName);
  const publish = service.spec?.publishNotReadyAddresses ?? false;
  if (address === undefined || isPodOver(pod) || (lost && !publish)) return undefined;
  const terminating = pod.metadata?.deletionTimestamp !== undefined;
  const serving = isReady(pod);
  const zone = nodeName === undefined ? undefined : zones.get(nodeName);
  const { hostname, subdomain } = pod.spec ?? {};
  return {
    addresses: [address],
    conditions: { ready: publish || (serving && !terminating), serving, terminating },
    targetRef: {
      kind: 'Pod',
      name: nameOf(pod),
      namespace: namespaceOf(pod),
      ...(pod.metadata?.uid ? { uid: pod.metadata.uid } : {}),
    },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(hostname && subdomain === nameOf(service) ? { hostname } : {}),
  };
}

function addressOf({ status }: Pod, family: Family): string | undefined {
  const told = status?.podIPs?.length ? status.podIPs.map(({ ip }) => ip) : [status?.podIP];
  const addresses = told.map((text) => tryParseIp(text ?? '')).filter((address) => address !== undefined);
  return addresses.find((address) => familyOf(address) === family);
}

/** The Service's ports by the pod's numbers; a named target port that the pod lacks gives none. */
export function portsOf({ spec }: Service, pod: Pod): SlicePort[] {
  return (spec?.ports ?? []).flatMap(({ name = '', protocol = 'TCP', port, targetPort = port, appProtocol }) => {
    const target = targetPort as number | string;
    const number = typeof target === 'number' ? target : namedPort(pod, target, protocol);
    return number === undefined ? [] : [{ name, port: number, protocol, ...(appProtocol ? { appProtocol } : {}) }];
  });
}

/** Init containers only where they go on running beside the others (KEP-753). */
function namedPort({ spec }: Pod, name: string, protocol: string): number | undefined {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  const ports = [...(spec?.containers ?? []), ...sidecars].flatMap((container) => container.ports ?? []);
  return ports.find((port) => port.name === name && (port.protocol ?? 'TCP') === protocol)?.containerPort;
}
