import type { IpAddress, Prefix } from '@podwire/base';
import {
  compareIp,
  familyOf,
  hostPrefix,
  prefixesOverlap,
  prefixParts,
  tryParseIp,
  tryParsePrefix,
} from '@podwire/base';
import type { ClusterConfig, Node } from '@podwire/kube';
import type { Attachment } from './attachment.ts';

/** What the room knows of its own node. */
export interface OwnNode {
  /** The IPv4 podCIDR; undefined until the control plane has given one. */
  readonly podCidr: Prefix | undefined;
  /** The first IPv4 InternalIP. */
  readonly address: IpAddress | undefined;
}

/** Everything the room's kernel state follows from. */
export interface PodsModel extends OwnNode {
  /** By address. */
  readonly attachments: readonly Attachment[];
  /** Where masquerade is not wanted: pods, nodes, nonMasqueradeCidrs; disjoint, sorted. */
  readonly noMasquerade: readonly Prefix[];
}

export type PodsSettings = Pick<ClusterConfig, 'podCidrs' | 'nonMasqueradeCidrs'>;

/** Total: a missing Node, podCIDR or address is undefined; a podCIDR outside the cluster's is as good as none. */
export function ownNode(settings: PodsSettings, node: Node | undefined): OwnNode {
  const podCidr = (node?.spec?.podCIDRs ?? [node?.spec?.podCIDR ?? ''])
    .map(tryParsePrefix)
    .find((cidr) => cidr && familyOf(cidr) === 'ipv4' && settings.podCidrs.some((range) => within(cidr, range)));
  return { podCidr, address: internalIp(node) };
}

export function podsModel(
  settings: PodsSettings,
  own: OwnNode,
  nodes: readonly Node[],
  attachments: Iterable<Attachment>,
): PodsModel {
  const addresses = nodes.map(internalIp).filter((ip) => ip !== undefined);
  return {
    ...own,
    attachments: [...attachments].sort((a, b) => compareIp(a.address, b.address)),
    noMasquerade: disjoint([...settings.podCidrs, ...settings.nonMasqueradeCidrs, ...addresses.map(hostPrefix)]),
  };
}

function internalIp(node: Node | undefined): IpAddress | undefined {
  return (node?.status?.addresses ?? [])
    .filter((a) => a.type === 'InternalIP')
    .map((a) => tryParseIp(a.address))
    .find((ip) => ip !== undefined && familyOf(ip) === 'ipv4');
}

function within(inner: Prefix, outer: Prefix): boolean {
  return prefixesOverlap(inner, outer) && prefixParts(inner).length >= prefixParts(outer).length;
}

/** IPv4 prefixes only, without those inside another: an interval set refuses overlaps. */
function disjoint(prefixes: readonly Prefix[]): Prefix[] {
  const kept: Prefix[] = [];
  const v4 = prefixes
    .filter((p) => familyOf(p) === 'ipv4')
    .toSorted((a, b) => prefixParts(a).length - prefixParts(b).length);
  for (const prefix of v4) if (!kept.some((wide) => within(prefix, wide))) kept.push(prefix);
  return kept.sort(compareIp);
}
