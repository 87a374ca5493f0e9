import type { EndpointSlice, Service } from '@podwire/kube';
import type { FakeInformers } from '@podwire/kube/testing';
import { ADDRESS, ADDRESS6, SCTP_PORT, type ServerPlace, TCP_PORTS, UDP_PORT } from './world.fixture.ts';

type Spec = NonNullable<Service['spec']>;

export interface ServiceOptions extends Partial<Spec> {
  readonly labels?: Record<string, string>;
  readonly ingress?: readonly object[];
  /** Default: ready ones on near1, near2 and far. */
  readonly backends?: readonly ServerPlace[];
  readonly conditions?: EndpointSlice['endpoints'][number]['conditions'];
  readonly targetPort?: number;
  readonly annotations?: Record<string, string>;
  /** Of the endpoints; default IPv4. */
  readonly addressType?: 'IPv4' | 'IPv6';
  readonly hints?: Partial<Record<ServerPlace, object>>;
  /** Endpoints by address instead, on node-2. */
  readonly addresses?: readonly string[];
  /** Of a slice of a ServiceImport: the cluster it comes from. */
  readonly cluster?: string;
  /** Where it says endpoints are, whatever the truth. */
  readonly nodeName?: string;
}

export type SliceOptions = Pick<
  ServiceOptions,
  'backends' | 'conditions' | 'targetPort' | 'addressType' | 'hints' | 'addresses' | 'ports' | 'cluster' | 'nodeName'
>;

/** Endpoints outside the cluster are on no node. */
const NODE_NAMES: Readonly<Record<ServerPlace, string | undefined>> = {
  near1: 'node-1',
  near2: 'node-1',
  node: 'node-1',
  far: 'node-2',
  outside: undefined,
};

let next = 0;

/** Puts a Service with TCP port 80 and UDP port 53, and its slice, and returns its name. */
export function putService(
  informers: FakeInformers,
  clusterIP: string,
  options: ServiceOptions = {},
  name = `service-${++next}`,
): string {
  const { labels = {}, annotations = {}, ingress = [], ...rest } = options;
  const { backends, conditions, targetPort, addressType, hints, addresses, cluster, nodeName, ...spec } = rest;
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

/** The service and all its slices. */
export function removeService(informers: FakeInformers, name: string): void {
  informers.remove('Service', { metadata: { namespace: 'default', name } });
  removeSlices(informers, name);
}

/** The slices of a service but those named. */
export function removeSlices(informers: FakeInformers, service: string, keep: readonly string[] = []): void {
  for (const slice of informers.of('EndpointSlice').list()) {
    const { labels = {}, name = '' } = slice.metadata ?? {};
    if (labels['kubernetes.io/service-name'] === service && !keep.includes(name))
      informers.remove('EndpointSlice', slice);
  }
}

/**
 * With the ports http and admin (TCP), dns (UDP) and sctp of the servers in the world; a port `http-*` of the service is
 * where http is.
 */
export function putSlice(informers: FakeInformers, service: string, options: SliceOptions = {}, slice = service): void {
  const labels = { 'kubernetes.io/service-name': service };
  informers.put('EndpointSlice', sliceObject({ name: slice, labels }, options));
}

export function sliceObject(metadata: object, options: SliceOptions): EndpointSlice {
  const { conditions = { ready: true }, targetPort = TCP_PORTS[0], addressType = 'IPv4', ports = [] } = options;
  const known = [
    { name: 'http', protocol: 'TCP', port: targetPort },
    { name: 'admin', protocol: 'TCP', port: TCP_PORTS[1] },
    { name: 'dns', protocol: 'UDP', port: UDP_PORT },
    { name: 'sctp', protocol: 'SCTP', port: SCTP_PORT },
  ];
  const others = ports.flatMap(({ name = '' }) => (name.startsWith('http-') ? [name] : []));
  return {
    metadata: { namespace: 'default', ...metadata },
    addressType,
    ports: [...known, ...others.map((name) => ({ name, protocol: 'TCP', port: targetPort }))],
    endpoints: endpointsOf(options, addressType).map((endpoint) => ({ ...endpoint, conditions })),
  };
}

function endpointsOf(
  { backends = ['near1', 'near2', 'far'], hints, addresses, nodeName: told }: SliceOptions,
  addressType: 'IPv4' | 'IPv6',
): Omit<EndpointSlice['endpoints'][number], 'conditions'>[] {
  if (addresses) return addresses.map((address) => ({ addresses: [address], nodeName: 'node-2' }));
  return backends.map((place) => {
    const nodeName = told ?? NODE_NAMES[place];
    return {
      addresses: [(addressType === 'IPv4' ? ADDRESS : ADDRESS6)[place]],
      ...(nodeName && { nodeName }),
      ...(hints?.[place] && { hints: hints[place] }),
    };
  });
}
