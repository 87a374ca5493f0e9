import type { EndpointModel, ServiceModel, ServicePortModel } from '@podwire/services';
import type { ClusterView } from './cluster-view.ts';
import type { NodeView } from './node-view.ts';

export interface ServiceMatch {
  readonly service: ServiceModel;
  readonly port: ServicePortModel;
  readonly kind: 'cluster IP' | 'node port' | 'load-balancer IP' | 'external IP' | 'clusterset IP';
}

/** The ServicePort an address, protocol and port belong to on a node. */
export function serviceAt(
  { services: { services }, address: own }: NodeView,
  { address, protocol, port }: { readonly address: string; readonly protocol: string; readonly port: number },
): ServiceMatch | undefined {
  const has = (list: readonly string[]) => list.includes(address);
  for (const service of services) {
    for (const one of service.ports.filter((candidate) => candidate.protocol === protocol)) {
      const found = (kind: ServiceMatch['kind']): ServiceMatch => ({ service, port: one, kind });
      if (one.nodePort === port && address === own) return found('node port');
      if (one.port !== port) continue;
      if (has(service.clusterAddresses)) return found(service.kind ? 'clusterset IP' : 'cluster IP');
      if (has(service.loadBalancerAddresses)) return found('load-balancer IP');
      if (has(service.externalAddresses)) return found('external IP');
    }
  }
  return undefined;
}

/** `Service shop/stock port http (cluster IP 10.96.0.11:80), endpoints ...`: who may answer, and why the others may not. */
export function describeService(cluster: ClusterView, match: ServiceMatch, eligible: readonly string[]): string {
  const { service, port, kind } = match;
  const nameOf = (endpoint: string) =>
    `${endpoint} (${cluster.nameOf(endpoint.split(':')[0] ?? '')}${nodeOf(cluster, endpoint)})`;
  const others = port.endpoints.filter(({ address, port: number }) => !eligible.includes(`${address}:${number}`));
  const left = others.map((one) => `${nameOf(`${one.address}:${one.port}`)} ${whyNot(one, eligible.length > 0)}`);
  const own = `${titleOf(service)} port ${port.name || port.port} by ${kind}`;
  const affinity = service.affinitySeconds > 0 ? `, the same one for ${service.affinitySeconds} s` : '';
  const found =
    eligible.length === 0
      ? port.endpoints.length === 0
        ? noEndpoints(service)
        : 'has no endpoint that may be used'
      : `leads to one of ${eligible.length}: ${eligible.map(nameOf).join(', ')}${affinity}`;
  return `${own} ${found}${left.length > 0 ? `; left out: ${left.join(', ')}` : ''}`;
}

const titleOf = ({ kind, namespace, name }: ServiceModel): string => `${kind ?? 'Service'} ${namespace}/${name}`;

function noEndpoints({ kind }: ServiceModel): string {
  return kind
    ? 'has no endpoints: no cluster exports it, or none has a pod with that port'
    : 'has no endpoints: no pod matches its selector, or none has that port';
}

/** Hints count only where they leave somebody, and never together with policy Local. */
function whyNot({ ready, forNodes, forZones }: EndpointModel, others: boolean): string {
  if (!ready) return 'is not ready';
  const meant = others ? (forNodes ?? forZones) : undefined;
  return meant ? `is meant for ${meant.join(', ')}` : 'is not on this node';
}

function nodeOf(cluster: ClusterView, endpoint: string): string {
  const node = cluster.podAt(endpoint.split(':')[0] ?? '')?.spec?.nodeName;
  return node === undefined ? '' : ` on ${node}`;
}

/** The Service whose cluster IP it is, although none of its ports is meant; undefined: there is none. */
export function strayPort({ services: { services } }: NodeView, address: string, port: string): string | undefined {
  const found = services.find(({ clusterAddresses }) => (clusterAddresses as readonly string[]).includes(address));
  if (!found) return undefined;
  const ports = found.ports.map((one) => `${one.port}/${one.protocol}`).join(', ') || 'none';
  return `${titleOf(found)} has ${address}, but not ${port}; its ports: ${ports}`;
}
