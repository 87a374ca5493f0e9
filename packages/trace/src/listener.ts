import { isPodOver } from '@podwire/kube';
import type { VirtualPacket } from '@podwire/nft';
import { keyOf } from './cluster-objects.ts';
import type { ClusterView } from './cluster-view.ts';
import type { NodeView } from './node-view.ts';
import { NODE_LOCAL_DNS } from './site.ts';

const DNS_PORT = 53;

/** Who on the node itself is known to take a packet: the DNS server, the ingress proxy, or a pod in the node's network. */
export function listenerOn(
  { objects, site: { cluster } }: ClusterView,
  node: NodeView,
  { daddr, protocol, dport }: VirtualPacket,
): string | undefined {
  const isDns = daddr === cluster.dnsAddress || daddr === NODE_LOCAL_DNS;
  if (isDns) return dport === DNS_PORT ? `the DNS server of ${node.name}` : undefined;
  if (protocol === 'tcp' && (dport === cluster.ingressHttpPort || dport === cluster.ingressHttpsPort))
    return `the ingress proxy of ${node.name}`;
  const checked = node.services.services.find(({ healthCheckNodePort }) => healthCheckNodePort === dport);
  if (protocol === 'tcp' && checked) return `the health check of Service ${checked.namespace}/${checked.name}`;
  const pod = objects.pods.find(
    (one) =>
      one.spec?.hostNetwork &&
      one.spec.nodeName === node.name &&
      !isPodOver(one) &&
      one.spec.containers
        .flatMap(({ ports }) => ports ?? [])
        .some((port) => port.containerPort === dport && (port.protocol ?? 'TCP').toLowerCase() === protocol),
  );
  return pod && `pod ${keyOf(pod)}, in the network of ${node.name},`;
}
