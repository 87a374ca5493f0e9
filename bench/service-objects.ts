import type { EndpointSlice, Node, Service } from '../packages/kube/src/index.ts';

/** Services with one TCP port and two endpoints each, as API objects; the addresses follow from the number. */
export const SERVICE_PORT = 80;
export const ENDPOINT_PORT = 8080;
/** Every endpoint's address is in it. */
export const POD_CIDR = '10.244.0.0/14';
export const NODE_ADDRESS = '172.30.0.11';
export const ENDPOINTS = [0, 1] as const;

export const NODE: Node = {
  metadata: { name: 'node-1' },
  spec: { podCIDRs: ['10.244.0.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: NODE_ADDRESS }] },
};

const address = (second: number, n: number): string => `10.${second + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
export const clusterIP = (service: number): string => address(96, service + 1);
/** `replaced`: the address that takes the place of the first endpoint in a change. */
export const endpointAddress = (service: number, endpoint: number, replaced = false): string =>
  replaced ? address(246, service + 1) : address(244, 2 * service + endpoint + 1);

export function serviceObject(service: number): Service {
  return {
    metadata: { namespace: 'default', name: `service-${service}` },
    spec: { clusterIP: clusterIP(service), ports: [{ name: 'http', protocol: 'TCP', port: SERVICE_PORT }] },
  };
}

export function sliceObject(service: number, replaced = false): EndpointSlice {
  return {
    metadata: {
      namespace: 'default',
      name: `service-${service}-a`,
      labels: { 'kubernetes.io/service-name': `service-${service}` },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: ENDPOINT_PORT }],
    endpoints: ENDPOINTS.map((endpoint) => ({
      addresses: [endpointAddress(service, endpoint, replaced && endpoint === 0)],
      conditions: { ready: true },
      nodeName: 'node-2',
    })),
  };
}

export interface ChangedService {
  readonly service: number;
  /** Whether the replacement is there, or the first endpoint again. */
  readonly replaced: boolean;
}

/** One change after the other, over all services again and again; spread over them: 7919 is prime. */
export function changeAt(at: number, services: number): ChangedService {
  return { service: (at * 7919) % services, replaced: Math.floor(at / services) % 2 === 0 };
}
