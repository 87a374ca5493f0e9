import type { EndpointSlice } from '@podwire/kube';
import type { Store } from './store.ts';

type Endpoint = EndpointSlice['endpoints'][number];

/** The EndpointSlices of a Service. */
export function slicesOf(store: Store, { namespace = '', name = '' }): readonly EndpointSlice[] {
  const slices = store.latestIn('EndpointSlice', namespace) as unknown as readonly EndpointSlice[];
  return slices.filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === name);
}

/** Those that are ready, with their number of the TCP port of that name. */
export function readyEndpoints(slices: readonly EndpointSlice[], portName: string) {
  return slices.flatMap(({ ports, endpoints }): { readonly endpoint: Endpoint; readonly number: number }[] => {
    const number = ports?.find((one) => (one.name ?? '') === portName && (one.protocol ?? 'TCP') === 'TCP')?.port;
    if (number === undefined) return [];
    return endpoints.filter(({ conditions }) => conditions?.ready !== false).map((endpoint) => ({ endpoint, number }));
  });
}
