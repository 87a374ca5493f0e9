import type { Service } from '@podwire/kube';
import type { Endpoints } from 'kubernetes-types/core/v1.js';
import { readyEndpoints, slicesOf } from '../../core/ready-endpoints.ts';
import type { Store } from '../../core/store.ts';
import type { ClientConfig } from './webhook.ts';

/** Where a request goes, and whose certificate is to be there. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

type ServiceReference = NonNullable<ClientConfig['service']>;

/** An endpoint of a Service that is ready, any of them; or why there is none. */
export function destinationOf(
  store: Store,
  { namespace, name, port = 443 }: ServiceReference,
): Destination | { readonly why: string } {
  const service = store.get('Service', `${namespace}/${name}`) as unknown as Service | undefined;
  if (!service) return { why: `service "${name}" not found` };
  const { type, externalName = '', ports = [] } = service.spec ?? {};
  if (type === 'ExternalName') return { host: externalName, port };
  const asked = ports.find((one) => one.port === port);
  if (!asked) return { why: `no service port ${port} found for service "${name}"` };
  const portName = asked.name ?? '';
  const sliced = inSlices(store, { namespace, name }, portName);
  const found = sliced.length > 0 ? sliced : inEndpoints(store, { namespace, name }, portName);
  const chosen = found[Math.floor(Math.random() * found.length)];
  return chosen ?? { why: `no endpoints available for service "${name}"` };
}

type Key = Pick<ServiceReference, 'namespace' | 'name'>;

function inSlices(store: Store, key: Key, portName: string): readonly Destination[] {
  return readyEndpoints(slicesOf(store, key), portName).flatMap(({ endpoint, number: port }) =>
    endpoint.addresses.slice(0, 1).map((host) => ({ host, port })),
  );
}

/** Of Services whose endpoints nobody has put into slices. */
function inEndpoints(store: Store, { namespace, name }: Key, portName: string): readonly Destination[] {
  const { subsets = [] } = (store.get('Endpoints', `${namespace}/${name}`) ?? {}) as unknown as Endpoints;
  return subsets.flatMap(({ addresses = [], ports = [] }) => {
    const port = ports.find((one) => (one.name ?? '') === portName)?.port;
    return port === undefined ? [] : addresses.map(({ ip }) => ({ host: ip, port }));
  });
}
