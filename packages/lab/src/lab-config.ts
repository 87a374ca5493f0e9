import { type IpAddress, nthAddress, PodwireError, type Prefix, parsePrefix, prefixesOverlap } from '@podwire/base';
import { type ClusterConfig, parseClusterConfig } from '@podwire/kube';
import { z } from 'zod';

const schema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,7}$/, 'a lab name is 1 to 8 of a-z and 0-9, a letter first')
    .default('lab'),
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
  const underlay = parsePrefix(parsed.data.underlayCidr);
  const outside = parsePrefix(parsed.data.outsideCidr);
  const cluster = parseClusterConfig({
    upstreamResolvers: [nthAddress(outside, 10)],
    loadBalancerPools: [`${nthAddress(underlay, 192)}/26`],
    ...parsed.data.cluster,
  });
  refuseOverlap([
    ['underlayCidr', underlay],
    ['outsideCidr', outside],
    ...cluster.podCidrs.map((p) => ['cluster.podCidrs', p] as const),
    ...cluster.serviceCidrs.map((p) => ['cluster.serviceCidrs', p] as const),
  ]);
  const labNodes = Array.from({ length: nodes }, (_, i) => ({
    name: `node-${i + 1}`,
    address: nthAddress(underlay, 11 + i),
    zone: `zone-${i + 1}`,
  }));
  return { name, nodes: labNodes, underlay, outside, apiPort, cluster };
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
