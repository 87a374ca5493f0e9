import {
  familyOf,
  type IpAddress,
  nthAddress,
  PodwireError,
  type Prefix,
  prefixesOverlap,
  prefixOf,
  prefixParts,
  tryParsePrefix,
} from '@podwire/base';
import { type ClusterConfig, parseClusterConfig } from '@podwire/kube';
import { z } from 'zod';
import { LAB_NAME } from './lab-paths.ts';

const schema = z.strictObject({
  name: z.string().regex(LAB_NAME, 'a lab name is 1 to 8 of a-z and 0-9, a letter first').default('lab'),
  nodes: z.int().min(1).max(50).default(3),
  /** The nodes' network; the first address is the router's. */
  underlayCidr: z.string().default('172.30.0.0/24'),
  outsideCidr: z.string().default('203.0.113.0/24'),
  apiPort: z.int().min(1).max(65535).default(6443),
  cluster: z.record(z.string(), z.unknown()).default({}),
});

/** What `podwire up` was asked for, checked. */
export interface LabConfig {
  readonly name: string;
  readonly nodes: readonly LabNode[];
  readonly underlay: Prefix;
  readonly outside: Prefix;
  readonly apiPort: number;
  readonly cluster: ClusterConfig;
}

export interface LabNode {
  readonly name: string;
  readonly address: IpAddress;
  readonly zone: string;
}

/** Checks flags and configuration file together; throws LAB_BAD_CONFIG naming the field, or LAB_OVERLAP. */
export function parseLabConfig(input: unknown): LabConfig {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new PodwireError(
      'LAB_BAD_CONFIG',
      `configuration: ${issue?.path.join('.') || 'top level'}: ${issue?.message}`,
    );
  }
  const { name, nodes, apiPort } = parsed.data;
  // Nodes are at .11 and up, LoadBalancer addresses at .192 and up.
  const underlay = ipv4Range('underlayCidr', parsed.data.underlayCidr, 24);
  const outside = ipv4Range('outsideCidr', parsed.data.outsideCidr, 28);
  const asked = parseClusterConfig({
    upstreamResolvers: [nthAddress(outside, 10)],
    loadBalancerPools: [],
    ...parsed.data.cluster,
  });
  for (const prefix of [...asked.podCidrs, ...asked.serviceCidrs])
    ipv4Range('cluster.podCidrs or serviceCidrs', prefix, 28);
  requirePodRanges(asked.podCidrs, nodes);
  refuseOverlap([
    ['underlayCidr', underlay],
    ['outsideCidr', outside],
    ...asked.podCidrs.map((p) => ['cluster.podCidrs', p] as const),
    ...asked.serviceCidrs.map((p) => ['cluster.serviceCidrs', p] as const),
  ]);
  // Derived last: it lies in the underlay, and a clash should name what the user wrote.
  const loadBalancerPools =
    asked.loadBalancerPools.length > 0 ? asked.loadBalancerPools : [prefixOf(nthAddress(underlay, 192), 26)];
  const cluster = { ...asked, loadBalancerPools };
  const labNodes = Array.from({ length: nodes }, (_, i) => ({
    name: `node-${i + 1}`,
    address: nthAddress(underlay, 11 + i),
    zone: `zone-${i + 1}`,
  }));
  return { name, nodes: labNodes, underlay, outside, apiPort, cluster };
}

/** The lab is IPv4 only; `longest` is the prefix length that still has room. */
function ipv4Range(field: string, text: string, longest: number): Prefix {
  const prefix = tryParsePrefix(text);
  const fits = prefix && familyOf(prefix) === 'ipv4' && prefixParts(prefix).length <= longest;
  if (!fits)
    throw new PodwireError(
      'LAB_BAD_CONFIG',
      `configuration: ${field}: "${text}" is not an IPv4 range of /${longest} or larger; write 172.30.0.0/24`,
    );
  return prefix;
}

/** Every node gets a /24 of the pod CIDR. */
function requirePodRanges(podCidrs: readonly Prefix[], nodes: number): void {
  for (const prefix of podCidrs) {
    const ranges = 2 ** Math.max(0, 24 - prefixParts(prefix).length);
    if (ranges < nodes)
      throw new PodwireError(
        'LAB_BAD_CONFIG',
        `configuration: cluster.podCidrs: ${prefix} has room for ${ranges} of ${nodes} nodes, a /24 each; give it a larger range`,
      );
  }
}

function refuseOverlap(networks: readonly (readonly [field: string, prefix: Prefix])[]): void {
  networks.forEach(([field, prefix], i) => {
    const clash = networks.slice(i + 1).find(([, other]) => prefixesOverlap(prefix, other));
    if (clash)
      throw new PodwireError(
        'LAB_OVERLAP',
        `${field} ${prefix} overlaps ${clash[0]} ${clash[1]}; give one of them another range`,
      );
  });
}
