import { type IpAddress, nthAddress, PodwireError, type Prefix, prefixContains } from '@podwire/base';
import type { ClusterConfig, Service } from '@podwire/kube';
import { keyOf } from './cluster-objects.ts';

/** Services with the addresses and node ports an API server would give them, in order of the manifests. */
export function placeServices(given: readonly Service[], cluster: ClusterConfig): Service[] {
  const all = [...defaultServices(cluster).filter((own) => !given.some((s) => keyOf(s) === keyOf(own))), ...given];
  const clusterIps = new Numbers(all.flatMap((s) => [s.spec?.clusterIP ?? '', ...(s.spec?.clusterIPs ?? [])]));
  const loadBalancers = new Numbers(
    all.flatMap((s) => (s.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? '')),
  );
  const nodePorts = new Numbers(all.flatMap((s) => (s.spec?.ports ?? []).map((port) => String(port.nodePort ?? ''))));
  return all.map((service) => {
    const { spec = {}, status } = service;
    if (spec.type === 'ExternalName') return service;
    const exposed = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
    const clusterIP =
      spec.clusterIP ?? spec.clusterIPs?.[0] ?? clusterIps.address(cluster.serviceCidrs, FIRST, service);
    const balanced = spec.type === 'LoadBalancer' && !status?.loadBalancer?.ingress?.length;
    return {
      ...service,
      spec: {
        ...spec,
        ...{ clusterIP, clusterIPs: spec.clusterIPs ?? [clusterIP] },
        ports: (spec.ports ?? []).map((port) =>
          exposed && !port.nodePort ? { ...port, nodePort: nodePorts.port(cluster.nodePortRange, service) } : port,
        ),
      },
      ...(balanced && {
        status: { loadBalancer: { ingress: [{ ip: loadBalancers.address(cluster.loadBalancerPools, 0, service) }] } },
      }),
    };
  });
}

/** Behind the addresses of `kubernetes` and `kube-dns`. */
const FIRST = 11;

function defaultServices({ serviceCidrs: [range], dnsAddress }: ClusterConfig): Service[] {
  if (!range) return [];
  return [
    {
      metadata: { namespace: 'default', name: 'kubernetes' },
      spec: { clusterIP: nthAddress(range, 1), ports: [{ name: 'https', port: 443, protocol: 'TCP' }] },
    },
    {
      metadata: {
        namespace: 'kube-system',
        name: 'kube-dns',
        labels: { 'k8s-app': 'kube-dns', 'service.kubernetes.io/service-proxy-name': 'podwire-dns' },
      },
      spec: {
        clusterIP: dnsAddress,
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        ],
      },
    },
  ];
}

/** Addresses and ports given out so far. */
class Numbers {
  readonly #taken: Set<string>;

  constructor(taken: readonly string[]) {
    this.#taken = new Set(taken);
  }

  address(ranges: readonly Prefix[], first: number, service: Service): IpAddress {
    for (const range of ranges.filter((one) => !one.includes(':'))) {
      for (let i = first; prefixContains(range, nthAddress(range, i)); i++)
        if (this.#take(nthAddress(range, i))) return nthAddress(range, i);
    }
    throw this.#exhausted(service, ranges.join(', '));
  }

  port([first, last]: readonly [number, number], service: Service): number {
    for (let port = first; port <= last; port++) if (this.#take(String(port))) return port;
    throw this.#exhausted(service, `${first}-${last}`);
  }

  #take(text: string): boolean {
    if (this.#taken.has(text)) return false;
    this.#taken.add(text);
    return true;
  }

  #exhausted(service: Service, range: string): PodwireError {
    return new PodwireError(
      'TRACE_PLACEMENT',
      `Service ${keyOf(service)} finds nothing free in ${range || 'no range'}`,
    );
  }
}
