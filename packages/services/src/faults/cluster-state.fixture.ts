import type { Prefix } from '@podwire/base';
import type { EndpointSlice, Node, Service } from '@podwire/kube';
import type { ServicesModel } from '../model.ts';
import { modelFromApi } from '../snapshot.ts';
import type { ObjectChanges } from './agent.fixture.ts';

const POOL = 200;
const MOST_CHANGED = 60;
const SHAPES: readonly ((i: number) => Service['spec'])[] = [
  () => ({}),
  () => ({ sessionAffinity: 'ClientIP' }),
  (i) => ({ type: 'NodePort', ports: [{ name: 'http', protocol: 'TCP', port: 80, nodePort: 30_000 + i }] }),
  (i) => ({ externalIPs: [`198.51.100.${i}`], internalTrafficPolicy: 'Local' }),
  () => ({ ports: [...PORTS, { name: 'dns', protocol: 'UDP', port: 53 }] }),
];
const PORTS = [{ name: 'http', protocol: 'TCP', port: 80 }];

export const CIDRS = { podCidrs: ['10.244.0.0/16' as Prefix], serviceCidrs: ['10.96.0.0/12' as Prefix] } as const;

/** Numbers from 0 to below 1 that follow from a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The objects of a cluster: steady services, which stay as they are, and a pool that random transactions change. */
export class ClusterState {
  readonly #node: Node;
  readonly #random: () => number;
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, EndpointSlice>();

  constructor(node: Node, seed: number) {
    this.#node = node;
    this.#random = seededRandom(seed);
  }

  /** A service that stays, at these addresses of its endpoints, TCP port 8080. */
  addSteady(clusterIP: string, endpoints: readonly string[]): void {
    const name = `steady-${clusterIP.replaceAll('.', '-')}`;
    this.#services.set(name, serviceOf(name, clusterIP, {}));
    this.#slices.set(name, sliceOf(name, endpoints));
  }

  /** All there is. */
  get objects(): ObjectChanges {
    return { nodes: [this.#node], services: [...this.#services.values()], slices: [...this.#slices.values()] };
  }

  get model(): ServicesModel {
    const { services = [], slices = [] } = this.objects;
    return modelFromApi({ services, slices, node: this.#node, nodeName: 'node-1', ...CIDRS });
  }

  get random(): () => number {
    return this.#random;
  }

  /** Some services of the pool come, change or go. */
  change(most = MOST_CHANGED): ObjectChanges {
    const chosen = new Set(Array.from({ length: 1 + this.#below(most) }, () => this.#below(POOL)));
    const [services, slices]: [Service[], EndpointSlice[]] = [[], []];
    const gone: { services: Service[]; slices: EndpointSlice[] } = { services: [], slices: [] };
    for (const i of chosen) {
      const name = `churn-${i}`;
      const [service, slice] = [this.#services.get(name), this.#slices.get(name)];
      if (service && slice && this.#random() < 0.2) {
        this.#services.delete(name);
        this.#slices.delete(name);
        gone.services.push(service);
        gone.slices.push(slice);
        continue;
      }
      if (!service || this.#random() < 0.3) services.push(this.#putService(i));
      slices.push(this.#putSlice(name));
    }
    return { services, slices, gone };
  }

  #putService(i: number): Service {
    const shape = SHAPES[this.#below(SHAPES.length)] ?? (() => ({}));
    const service = serviceOf(`churn-${i}`, `10.96.64.${i}`, shape(i));
    this.#services.set(`churn-${i}`, service);
    return service;
  }

  #putSlice(name: string): EndpointSlice {
    const endpoints = Array.from({ length: this.#below(6) }, () => `10.244.2.${100 + this.#below(100)}`);
    const slice = sliceOf(name, [...new Set(endpoints)]);
    this.#slices.set(name, slice);
    return slice;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

function serviceOf(name: string, clusterIP: string, spec: Service['spec']): Service {
  return { metadata: { namespace: 'default', name }, spec: { clusterIP, ports: PORTS, ...spec } };
}

function sliceOf(name: string, addresses: readonly string[]): EndpointSlice {
  return {
    metadata: { namespace: 'default', name: `${name}-a`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [
      { name: 'http', protocol: 'TCP', port: 8080 },
      { name: 'dns', protocol: 'UDP', port: 5353 },
    ],
    endpoints: addresses.map((address) => ({
      addresses: [address],
      conditions: { ready: true },
      nodeName: address.startsWith('10.244.1.') ? 'node-1' : 'node-2',
    })),
  };
}
