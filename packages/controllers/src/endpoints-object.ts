import type { ObjectOf } from '@podwire/kube';
import { nameOf, namespaceOf } from './context.ts';
import { familiesOf } from './slices.ts';

type Service = ObjectOf<'Service'>;
type EndpointSlice = ObjectOf<'EndpointSlice'>;
type Endpoint = EndpointSlice['endpoints'][number];
type Endpoints = ObjectOf<'Endpoints'>;

/** Beyond so many the object says that it is not complete. */
const MAX_ADDRESSES = 1000;
export const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';

/**
 * The older Endpoints object of the same content, which `kubectl describe service` still reads: of the Service's first
 * family, without pods that terminate, and not more than 1,000 addresses.
 */
export function planEndpoints(service: Service, slices: readonly EndpointSlice[]): Endpoints {
  const addressType = familiesOf(service)[0] === 'ipv6' ? 'IPv6' : 'IPv4';
  const publish = service.spec?.publishNotReadyAddresses ?? false;
  const listed = (endpoint: Endpoint): boolean => publish || !endpoint.conditions?.terminating;
  const groups = Map.groupBy(
    slices.filter((slice) => slice.addressType === addressType),
    ({ ports }) => JSON.stringify(ports ?? []),
  );
  let room = MAX_ADDRESSES;
  let left = 0;
  const subsets = [...groups.values()].flatMap((group) => {
    const all = group.flatMap(({ endpoints }) => endpoints.filter(listed));
    const shown = all.slice(0, room);
    room -= shown.length;
    left += all.length - shown.length;
    return shown.length ? [subsetOf(shown, group[0]?.ports ?? [])] : [];
  });
  return {
    metadata: {
      name: nameOf(service),
      namespace: namespaceOf(service),
      labels: { ...service.metadata?.labels, 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
      ...(left > 0 && { annotations: { [OVER_CAPACITY]: 'truncated' } }),
    },
    ...(subsets.length ? { subsets } : {}),
  };
}

function subsetOf(endpoints: readonly Endpoint[], ports: NonNullable<EndpointSlice['ports']>) {
  const addresses = (ready: boolean) =>
    endpoints
      .filter(({ conditions }) => (conditions?.ready ?? true) === ready)
      .map((endpoint) => ({
        ip: endpoint.addresses[0] ?? '',
        ...(endpoint.nodeName ? { nodeName: endpoint.nodeName } : {}),
        ...(endpoint.targetRef ? { targetRef: endpoint.targetRef } : {}),
        ...(endpoint.hostname ? { hostname: endpoint.hostname } : {}),
      }));
  const [ready, notReady] = [addresses(true), addresses(false)];
  return {
    ...(ready.length ? { addresses: ready } : {}),
    ...(notReady.length ? { notReadyAddresses: notReady } : {}),
    ports: ports.map(({ name, port, protocol, appProtocol }) => ({
      ...(name ? { name } : {}),
      port: port ?? 0,
      ...(protocol ? { protocol } : {}),
      ...(appProtocol ? { appProtocol } : {}),
    })),
  };
}
