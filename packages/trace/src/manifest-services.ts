import { nthAddress } from '@podwire/base';
import type { ClusterConfig, Service } from '@podwire/kube';
import { keyOf } from './cluster-objects.ts';
import { NumberPool } from './number-pool.ts';

/** Services with the addresses and node ports an API server would give them, in order of the manifests. */
export function placeServices(given: readonly Service[], cluster: ClusterConfig): Service[] {
  const all = [...defaultServices(cluster).filter((own) => !given.some((s) => keyOf(s) === keyOf(own))), ...given];
  const clusterIps = new NumberPool(all.flatMap((s) => [s.spec?.clusterIP ?? '', ...(s.spec?.clusterIPs ?? [])]));
  const loadBalancers = new NumberPool(
    all.flatMap((s) => (s.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? '')),
  );
  const nodePorts = new NumberPool(
    all.flatMap((s) => (s.spec?.ports ?? []).map((port) => String(port.nodePort ?? ''))),
  );
  return all.map((service) => {
    const { spec = {}, status } = service;
    const what = `Service ${keyOf(service)}`;
    if (spec.type === 'ExternalName') return service;
    const exposed = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
    const clusterIP = spec.clusterIP ?? spec.clusterIPs?.[0] ?? clusterIps.address(cluster.serviceCidrs, FIRST, what);
    const balanced = spec.type === 'LoadBalancer' && !status?.loadBalancer?.ingress?.length;
    return {
      ...service,
      spec: {
        ...spec,
        ...{ clusterIP, clusterIPs: spec.clusterIPs ?? [clusterIP] },
        ports: (spec.ports ?? []).map((port) =>
          exposed && !port.nodePort ? { ...port, nodePort: nodePorts.port(cluster.nodePortRange, what) } : port,
        ),
      },
      ...(balanced && {
        status: { loadBalancer: { ingress: [{ ip: loadBalancers.address(cluster.loadBalancerPools, 0, what) }] } },
      }),
    };
  });
}

/** Behind the addresses of `kubernetes` and `kube-dns`. */
export const FIRST = 11;

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
