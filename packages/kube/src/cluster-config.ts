import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import {
  type IpAddress,
  nthAddress,
  PodwireError,
  type Prefix,
  prefixContains,
  prefixesOverlap,
  tryParseIp,
  tryParsePrefix,
} from '@podwire/base';
import type * as Zod from 'zod/mini';

/** The settings all rooms of a cluster share. Parsed and checked by parseClusterConfig. */
export interface ClusterConfig {
  /** One per family; every pod address is in one of them. */
  readonly podCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  readonly clusterDomain: string;
  /** What this cluster is called in its cluster set, a DNS label no other cluster of the set has. */
  readonly clusterName: string;
  /** The domain of multi-cluster services. */
  readonly clusterSetDomain: string;
  /** The other clusters of the set, whose exported Services are imported. */
  readonly clusterPeers: readonly ClusterPeer[];
  /** The tenth address of the first service CIDR unless set. */
  readonly dnsAddress: IpAddress;
  /** Resolvers for names outside the cluster; empty: /etc/resolv.conf of the node. */
  readonly upstreamResolvers: readonly IpAddress[];
  readonly backend: 'host-gw' | 'vxlan';
  readonly wiring: 'ptp' | 'bridge';
  readonly proxyMode: 'nftables' | 'iptables' | 'ipvs' | 'userspace' | 'ebpf';
  /** How mode ipvs chooses an endpoint where a Service asks for nothing else; ipvsadm(8). */
  readonly ipvsScheduler: (typeof IPVS_SCHEDULERS)[number];
  /** Masquerade is skipped towards these, besides pods and nodes. */
  readonly nonMasqueradeCidrs: readonly Prefix[];
  /** Address ranges for Services of type LoadBalancer. */
  readonly loadBalancerPools: readonly Prefix[];
  readonly nodePortRange: readonly [first: number, last: number];
  /** Node ports are at the node's addresses in these ranges; empty: at its primary address of each family. */
  readonly nodePortAddresses: readonly Prefix[];
  /** Endpoints see every client of a cluster IP by the address of its node. */
  readonly masqueradeAll: boolean;
  /** Where the service proxy answers /healthz and /livez on every node; 0: nowhere. */
  readonly proxyHealthPort: number;
  /** Port of the ingress proxy on every node. */
  readonly ingressHttpPort: number;
  readonly ingressHttpsPort: number;
}

/** A cluster of the set, and the kubeconfig file by which its API server is reached. */
export interface ClusterPeer {
  readonly name: string;
  readonly kubeconfig: string;
}

/** The schedulers of the kernel's load balancer that need nothing but weights and counters. */
export const IPVS_SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'sed', 'nq', 'mh'] as const;

/** A string type made of a parser that answers undefined for what is not its notation. */
function notation<T extends string>(z: typeof Zod, parse: (text: string) => T | undefined, why: string) {
  const known = z.refine<string>((text) => parse(text) !== undefined, { error: why });
  return z.pipe(
    z.string().check(known),
    z.transform((text: string) => parse(text) as T),
  );
}

/** Made at the first use: an agent is given its configuration parsed, and the library would cost it 6 MiB. */
function makeShape() {
  const z: typeof Zod = createRequire(import.meta.url)('zod/mini');
  const ip = notation<IpAddress>(z, tryParseIp, 'not an IP address; write 10.1.2.3 or fd00::1, without leading zeros');
  const cidr = notation<Prefix>(
    z,
    (text) => (text.includes('/') ? tryParsePrefix(text) : undefined),
    'not an address prefix; write 10.244.0.0/16 or fd00::/64',
  );
  const port = z.int().check(z.minimum(1), z.maximum(65535));
  const domain = z.string().check(z.regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/));
  const label = z.string().check(z.regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/), z.maxLength(63));
  const absolutePath = z
    .string()
    .check(z.refine((text) => isAbsolute(text), { error: 'not an absolute path; write /path/of/a/file' }));
  const cidrs = (text: string) => z._default(z.array(cidr).check(z.minLength(1)), [text as Prefix]);
  z.config(z.locales.en());
  return z.strictObject({
    podCidrs: cidrs('10.244.0.0/16'),
    serviceCidrs: cidrs('10.96.0.0/12'),
    clusterDomain: z._default(domain, 'cluster.local'),
    clusterName: z._default(label, 'podwire'),
    clusterSetDomain: z._default(domain, 'clusterset.local'),
    clusterPeers: z._default(z.array(z.strictObject({ name: label, kubeconfig: absolutePath })), []),
    dnsAddress: z.optional(ip),
    upstreamResolvers: z._default(z.array(ip), []),
    backend: z._default(z.enum(['host-gw', 'vxlan']), 'host-gw'),
    wiring: z._default(z.enum(['ptp', 'bridge']), 'ptp'),
    proxyMode: z._default(z.enum(['nftables', 'iptables', 'ipvs', 'userspace', 'ebpf']), 'nftables'),
    ipvsScheduler: z._default(z.enum(IPVS_SCHEDULERS), 'rr'),
    nonMasqueradeCidrs: z._default(z.array(cidr), []),
    loadBalancerPools: z._default(z.array(cidr), ['172.30.0.192/26' as Prefix]),
    nodePortRange: z._default(z.tuple([port, port]), [30000, 32767]),
    nodePortAddresses: z._default(z.array(cidr), []),
    masqueradeAll: z._default(z.boolean(), false),
    proxyHealthPort: z._default(z.int().check(z.minimum(0), z.maximum(65535)), 10256),
    ingressHttpPort: z._default(port, 80),
    ingressHttpsPort: z._default(port, 443),
  });
}

let shape: ReturnType<typeof makeShape> | undefined;

/**
 * Checks plain data (parsed YAML or JSON) and fills in the defaults. Throws KUBE_BAD_CONFIG with all that is wrong: the
 * path of each value, unknown names, ranges that overlap.
 */
export function parseClusterConfig(input: unknown = {}): ClusterConfig {
  shape ??= makeShape();
  const parsed = shape.safeParse(input ?? {});
  const issues = parsed.success ? [] : parsed.error.issues;
  const wrong = new Set(issues.flatMap(({ path: [name] }) => (name === undefined ? [] : [String(name)])));
  const { dnsAddress, ...rest } = parsed.success ? parsed.data : shape.parse(soundPart(input, wrong));
  const config: ClusterConfig = { ...rest, dnsAddress: dnsAddress ?? nthAddress(rest.serviceCidrs[0] as Prefix, 10) };
  const problems = [
    ...issues.map(({ path, message }) => `${path.join('.') || 'configuration'}: ${message}`),
    ...[...overlaps(config), ...misfits(config)]
      .filter(({ fields }) => !fields.some((field) => wrong.has(field)))
      .map(({ problem }) => problem),
  ];
  if (problems.length > 0) throw badConfig(problems);
  return config;
}

/** What can be looked at further when something else is wrong: known fields, each right by itself. */
function soundPart(input: unknown, wrong: ReadonlySet<string>): object {
  const fields = typeof input === 'object' && input !== null ? Object.entries(input) : [];
  return Object.fromEntries(fields.filter(([name]) => shape && Object.hasOwn(shape.shape, name) && !wrong.has(name)));
}

/** Fields that do not go together. */
interface Contradiction {
  readonly fields: readonly (keyof ClusterConfig)[];
  readonly problem: string;
}

function badConfig(problems: readonly string[]): PodwireError {
  return new PodwireError('KUBE_BAD_CONFIG', `the cluster configuration is wrong: ${problems.join('; ')}`, {
    details: { problems },
  });
}

function overlaps({ podCidrs, serviceCidrs, loadBalancerPools }: ClusterConfig): Contradiction[] {
  const lists = { podCidrs, serviceCidrs, loadBalancerPools };
  const ranges = (['podCidrs', 'serviceCidrs', 'loadBalancerPools'] as const).flatMap((name) =>
    lists[name].map((range) => ({ name, range })),
  );
  return ranges.flatMap((a, i) =>
    ranges
      .slice(i + 1)
      .filter((b) => prefixesOverlap(a.range, b.range))
      .map((b) => ({
        fields: [a.name, b.name],
        problem: `${a.name} ${a.range} overlaps ${b.name} ${b.range}; choose ranges that do not`,
      })),
  );
}

function misfits(config: ClusterConfig): Contradiction[] {
  const { dnsAddress, serviceCidrs, nodePortRange } = config;
  const [first, last] = nodePortRange;
  const found: Contradiction[] = setMisfits(config);
  if (serviceCidrs.every((range) => !prefixContains(range, dnsAddress))) {
    const problem = `dnsAddress ${dnsAddress} is in none of serviceCidrs ${serviceCidrs.join(', ')}`;
    found.push({ fields: ['dnsAddress', 'serviceCidrs'], problem });
  }
  if (first > last)
    found.push({ fields: ['nodePortRange'], problem: `nodePortRange ${first}-${last} ends before it begins` });
  return found;
}

/** Of the cluster set. */
function setMisfits({ clusterName, clusterPeers, clusterDomain, clusterSetDomain }: ClusterConfig): Contradiction[] {
  const found: Contradiction[] = [];
  const names = [clusterName, ...clusterPeers.map(({ name }) => name)];
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index))) {
    const problem = `two clusters of the set are called ${name}: clusterName and the names in clusterPeers must differ`;
    found.push({ fields: ['clusterName', 'clusterPeers'], problem });
  }
  const [one, other] = [clusterDomain, clusterSetDomain].map((domain) => `.${domain}`);
  if (one?.endsWith(`${other}`) || other?.endsWith(`${one}`)) {
    const problem = `clusterSetDomain ${clusterSetDomain} and clusterDomain ${clusterDomain} must not lie in each other`;
    found.push({ fields: ['clusterDomain', 'clusterSetDomain'], problem });
  }
  return found;
}
