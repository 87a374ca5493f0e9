import type { EndpointModel, ServiceModel, ServicePortModel } from '@podwire/services';
import type { ClusterView } from './cluster-view.ts';
import type { DirectNode } from './direct-step.ts';
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

interface Choice {
  /** The endpoints that the rules of the node lead to. */
  readonly eligible: readonly string[];
  /** The nodes that direct server return draws from. */
  readonly drawn: readonly DirectNode[];
  /** The node that handed the packet over. */
  readonly handedBy: string | undefined;
}

/** What a Service has to do with a packet on a node. */
export function describeMatch(cluster: ClusterView, match: ServiceMatch, choice: Choice): string {
  const { eligible, drawn, handedBy: by } = choice;
  if (drawn.length > 0) return describeDirect(cluster, match, drawn);
  return by !== undefined && eligible.length > 0
    ? describeHandedOver(cluster, match, { by, eligible })
    : describeService(cluster, match, eligible);
}

/** `Service shop/stock port http (cluster IP 10.96.0.11:80), endpoints ...`: who may answer, and why the others may not. */
function describeService(cluster: ClusterView, match: ServiceMatch, eligible: readonly string[]): string {
  const { service, port } = match;
  const nameOf = (endpoint: string) => describeEndpoint(cluster, endpoint);
  const others = port.endpoints.filter(({ address, port: number }) => !eligible.includes(`${address}:${number}`));
  const left = others.map((one) => `${nameOf(`${one.address}:${one.port}`)} ${whyNot(one, eligible.length > 0)}`);
  const own = namePort(match);
  const affinity = service.affinitySeconds > 0 ? `, the same one for ${service.affinitySeconds} s` : '';
  const found =
    eligible.length === 0
      ? port.endpoints.length === 0
        ? noEndpoints(service)
        : 'has no endpoint that may be used'
      : `leads to one of ${eligible.length}: ${eligible.map(nameOf).join(', ')}${affinity}`;
  return `${own} ${found}${left.length > 0 ? `; left out: ${left.join(', ')}` : ''}`;
}

/** Whose turn it may be for a client outside, with direct server return. */
function describeDirect(cluster: ClusterView, match: ServiceMatch, nodes: readonly DirectNode[]): string {
  const named = nodes.map(({ node, isThis, endpoints }) => {
    const list = endpoints.map(({ address, port }) => describeEndpoint(cluster, `${address}:${port}`, false));
    return `${node}${isThis ? ', this one,' : ''} with ${list.join(', ')}`;
  });
  const text = `${namePort(match)}, dsr: a table of the client's address and port names the node`;
  return nodes.length > 1
    ? `${text}, anew for each connection: ${named.join('; or ')}`
    : `${text}, always ${named.join()}`;
}

/** What another node hands over stays on the node it comes to. */
function describeHandedOver(
  cluster: ClusterView,
  match: ServiceMatch,
  { by, eligible }: { readonly by: string; readonly eligible: readonly string[] },
): string {
  const list = eligible.map((endpoint) => describeEndpoint(cluster, endpoint));
  return `${namePort(match)}, dsr: handed over by ${by}, leads to one of ${list.length} on this node: ${list.join(', ')}`;
}

const namePort = ({ service, port, kind }: ServiceMatch): string =>
  `${titleOf(service)} port ${port.name || port.port} by ${kind}`;

function describeEndpoint(cluster: ClusterView, endpoint: string, withNode = true): string {
  return `${endpoint} (${cluster.nameOf(endpoint.split(':')[0] ?? '')}${withNode ? nodeOf(cluster, endpoint) : ''})`;
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

/** The Service whose address it is, although none of its ports is meant; undefined: there is none. */
export function strayPort({ services: { services } }: NodeView, address: string, port: string): string | undefined {
  const found = services.find(({ clusterAddresses, externalAddresses, loadBalancerAddresses }) =>
    [clusterAddresses, externalAddresses, loadBalancerAddresses].some((list: readonly string[]) =>
      list.includes(address),
    ),
  );
  if (!found) return undefined;
  const ports = found.ports.map((one) => `${one.port}/${one.protocol}`).join(', ') || 'none';
  return `${titleOf(found)} has ${address}, but not ${port}; its ports: ${ports}`;
}
