import type { ClusterConfig } from '@podwire/kube';
import type { Interpretation } from '@podwire/nft';
import { type DirectMember, directReturn, type EndpointModel, portTargets } from '@podwire/services';
import type { ClusterView } from './cluster-view.ts';
import type { NodeView } from './node-view.ts';
import type { ServiceMatch } from './service-step.ts';

type Mode = ClusterConfig['proxyMode'];

/** One of the nodes that a table of clients names. */
export interface DirectNode {
  readonly node: string;
  readonly isThis: boolean;
  readonly endpoints: readonly EndpointModel[];
}

const REST = ', so clients outside are served without it';

/** Whether a mode can hand packets over to the node whose turn it is; the others serve all clients the ordinary way. */
export const hasDirectReturn = (mode: Mode): boolean => mode === 'nftables' || mode === 'ebpf';

/** The nodes whose turn it may be for clients outside; empty: there is no direct server return at this address. */
export function directNodes({ services: { node, peers } }: NodeView, mode: Mode, match: ServiceMatch): DirectNode[] {
  const direct = hasDirectReturn(mode) ? directOf(match, { node, peers }) : undefined;
  const { external } = portTargets(match.service, match.port, { node, family: 'ipv4' });
  if (!direct || 'refusal' in direct || external.kind !== 'serve') return [];
  const { endpoints } = external;
  return direct.members.map(({ node: name }: DirectMember) => {
    const isThis = name === node.name;
    return { node: name, isThis, endpoints: endpoints.filter((one) => (one.local ? isThis : one.nodeName === name)) };
  });
}

/** The node that the table names for what a run of the rules drew. */
export function turnOf(cluster: ClusterView, node: NodeView, { copies = [] }: Interpretation): string {
  const [copy] = copies;
  return (copy?.to && cluster.nodeAt(copy.to)?.name) || node.name;
}

/** Why clients outside are served without the direct server return that is asked for. */
export function whyNotDirect(
  { services: { node, peers } }: NodeView,
  mode: Mode,
  match: ServiceMatch,
): string | undefined {
  const direct = directOf(match, { node, peers });
  if (!direct) return undefined;
  if (!hasDirectReturn(mode)) return `forwarding dsr is not in mode ${mode}${REST}`;
  return 'refusal' in direct ? `forwarding dsr ${direct.refusal}${REST}` : undefined;
}

function directOf(
  { service, port, kind }: ServiceMatch,
  { node, peers }: Pick<NodeView['services'], 'node' | 'peers'>,
) {
  const isExternal = kind === 'external IP' || kind === 'load-balancer IP';
  return isExternal ? directReturn(service, port, { node, peers, family: 'ipv4' }) : undefined;
}
