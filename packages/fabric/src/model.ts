import type { IpAddress, Prefix } from '@podwire/base';
import { compareIp, familyOf, prefixesOverlap, prefixParts, tryParseIp, tryParsePrefix } from '@podwire/base';
import type { ClusterConfig, Node } from '@podwire/kube';

/** How packets for another node's pods leave this node. */
export type Backend = ClusterConfig['backend'];

/** What the fabric needs to know of a Node. */
export interface FabricNode {
  readonly name: string;
  /** The first IPv4 address of type InternalIP. */
  readonly address: IpAddress;
  /** The IPv4 ones of spec.podCIDRs, sorted; never empty for a peer. */
  readonly podCidrs: readonly Prefix[];
}

/** The cluster as seen by one node's fabric; depends on nothing but the API objects and the configuration. */
export interface FabricModel {
  readonly backend: Backend;
  readonly nodeName: string;
  /** Undefined while the API has no usable Node of this name. */
  readonly self: FabricNode | undefined;
  /** All other usable nodes, by name. */
  readonly peers: readonly FabricNode[];
  /** Nodes, or parts of them, that are left out and why; one line each. */
  readonly problems: readonly string[];
}

export type FabricSettings = Pick<ClusterConfig, 'podCidrs'> & { readonly backend: Backend };

/**
 * Total over any Node list. A Node without an address or podCIDR is not ready and simply absent; one whose podCIDR lies
 * outside the cluster's, or collides with an older Node (then: first by name), is left out with a problem, so that a
 * wrong Node object never redirects other traffic.
 */
export function fabricModel(nodeName: string, settings: FabricSettings, nodes: readonly Node[]): FabricModel {
  const problems: string[] = [];
  const accepted: FabricNode[] = [];
  for (const node of nodes.toSorted((a, b) => compareText(ageOf(a), ageOf(b)) || compareText(nameOf(a), nameOf(b)))) {
    const candidate = readNode(node, settings, problems);
    if (!candidate) continue;
    const clash = accepted.find((other) => collides(candidate, other));
    if (clash)
      problems.push(`Node ${candidate.name} is left out: its address or podCIDR is already Node ${clash.name}'s`);
    else accepted.push(candidate);
  }
  accepted.sort((a, b) => compareText(a.name, b.name));
  return {
    backend: settings.backend,
    nodeName,
    self: accepted.find((n) => n.name === nodeName),
    peers: accepted.filter((n) => n.name !== nodeName && n.podCidrs.length > 0),
    problems,
  };
}

function readNode(node: Node, settings: FabricSettings, problems: string[]): FabricNode | undefined {
  const name = nameOf(node);
  const address = (node.status?.addresses ?? [])
    .filter((a) => a.type === 'InternalIP')
    .map((a) => tryParseIp(a.address))
    .find((ip) => ip !== undefined && familyOf(ip) === 'ipv4');
  if (name === '' || !address) return undefined;
  const podCidrs: Prefix[] = [];
  for (const text of node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : [])) {
    const cidr = tryParsePrefix(text);
    if (!cidr) problems.push(`Node ${name}: podCIDR "${text}" is not a prefix`);
    else if (!settings.podCidrs.some((range) => within(cidr, range)))
      problems.push(`Node ${name}: podCIDR ${cidr} is outside the cluster's ${settings.podCidrs.join(', ')}`);
    else if (familyOf(cidr) === 'ipv4') podCidrs.push(cidr);
  }
  return { name, address, podCidrs: podCidrs.toSorted(compareIp) };
}

function within(inner: Prefix, outer: Prefix): boolean {
  return prefixesOverlap(inner, outer) && prefixParts(inner).length >= prefixParts(outer).length;
}

function collides(a: FabricNode, b: FabricNode): boolean {
  return a.address === b.address || a.podCidrs.some((x) => b.podCidrs.some((y) => prefixesOverlap(x, y)));
}

function nameOf(node: Node): string {
  return node.metadata?.name ?? '';
}

/** RFC 3339 in UTC, so that text order is order in time. */
function ageOf(node: Node): string {
  return String(node.metadata?.creationTimestamp ?? '');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
