import type { EndpointSlice, Service } from '@podwire/kube';
import type { FakeInformers } from '@podwire/kube/testing';
import { ADDRESS, ADDRESS6, type Place, TCP_PORTS, UDP_PORT } from './world.fixture.ts';

type Spec = NonNullable<Service['spec']>;
type Backend = Extract<Place, 'near1' | 'near2' | 'far'>;

export interface ServiceOptions extends Partial<Spec> {
  readonly labels?: Record<string, string>;
  readonly ingress?: readonly object[];
  /** Default: ready ones on all three. */
  readonly backends?: readonly Backend[];
  readonly conditions?: EndpointSlice['endpoints'][number]['conditions'];
  readonly targetPort?: number;
  readonly annotations?: Record<string, string>;
  /** Of the endpoints; default IPv4. */
  readonly addressType?: 'IPv4' | 'IPv6';
  readonly hints?: Partial<Record<Backend, object>>;
}

let next = 0;

/** Puts a Service with TCP port 80 and UDP port 53, and its slice, and returns its name. */
export function putService(
  informers: FakeInformers,
  clusterIP: string,
  options: ServiceOptions = {},
  name = `service-${++next}`,
): string {
  const { labels = {}, annotations = {}, ingress = [], ...rest } = options;
  const { backends, conditions, targetPort, addressType, hints, ...spec } = rest;
  informers.put('Service', {
    metadata: { namespace: 'default', name, labels, annotations },
    spec: {
      clusterIP,
      ports: [
        { name: 'http', protocol: 'TCP', port: 80 },
        { name: 'dns', protocol: 'UDP', port: 53 },
      ],
      ...spec,
    },
    status: { loadBalancer: { ingress: [...ingress] } },
  });
  putSlice(informers, name, options);
  return name;
}

export function putSlice(
  informers: FakeInformers,
  service: string,
  options: Pick<ServiceOptions, 'backends' | 'conditions' | 'targetPort' | 'addressType' | 'hints'> = {},
  slice = service,
): void {
  const { backends = ['near1', 'near2', 'far'], conditions = { ready: true }, targetPort = TCP_PORTS[0] } = options;
  const { addressType = 'IPv4', hints } = options;
  informers.put('EndpointSlice', {
    metadata: { namespace: 'default', name: slice, labels: { 'kubernetes.io/service-name': service } },
    addressType,
    ports: [
      { name: 'http', protocol: 'TCP', port: targetPort },
      { name: 'dns', protocol: 'UDP', port: UDP_PORT },
    ],
    endpoints: backends.map((place) => ({
      addresses: [(addressType === 'IPv4' ? ADDRESS : ADDRESS6)[place]],
      conditions,
      nodeName: place === 'far' ? 'node-2' : 'node-1',
      ...(hints?.[place] && { hints: hints[place] }),
    })),
  });
}
