import { isAbsolute } from 'node:path';
import {
  type IpAddress,
  listOf,
  notation,
  nthAddress,
  oneOf,
  PodwireError,
  type Prefix,
  pairOf,
  prefixContains,
  prefixesOverlap,
  readSettings,
  recordOf,
  type Setting,
  textLike,
  tryParseIp,
  tryParsePrefix,
  wholeNumber,
  yesOrNo,
} from '@podwire/base';

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

type Settings = Omit<ClusterConfig, 'dnsAddress'> & { readonly dnsAddress: IpAddress | undefined };

const ip = notation(tryParseIp, 'not an IP address; write 10.1.2.3 or fd00::1, without leading zeros');
const cidr = notation(
  (text) => (text.includes('/') ? tryParsePrefix(text) : undefined),
  'not an address prefix; write 10.244.0.0/16 or fd00::/64',
);
const port = wholeNumber(1, 65_535);
const domain = textLike(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  'not a domain name in lower case; write cluster.local',
);
const label = textLike(
  /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  'not a name of at most 63 letters in lower case, digits and hyphens',
);
const absolutePath = notation(
  (text) => (isAbsolute(text) ? text : undefined),
  'not an absolute path; write /path/of/a/file',
);
const peer = recordOf<ClusterPeer>({ name: label, kubeconfig: absolutePath });

const SETTINGS: { readonly [K in keyof Settings]: Setting<Settings[K]> } = {
  podCidrs: [listOf(cidr, 1), ['10.244.0.0/16' as Prefix]],
  serviceCidrs: [listOf(cidr, 1), ['10.96.0.0/12' as Prefix]],
  clusterDomain: [domain, 'cluster.local'],
  clusterName: [label, 'podwire'],
  clusterSetDomain: [domain, 'clusterset.local'],
  clusterPeers: [listOf(peer), []],
  dnsAddress: [ip, undefined],
  upstreamResolvers: [listOf(ip), []],
  backend: [oneOf(['host-gw', 'vxlan']), 'host-gw'],
  wiring: [oneOf(['ptp', 'bridge']), 'ptp'],
  proxyMode: [oneOf(['nftables', 'iptables', 'ipvs', 'userspace', 'ebpf']), 'nftables'],
  ipvsScheduler: [oneOf(IPVS_SCHEDULERS), 'rr'],
  nonMasqueradeCidrs: [listOf(cidr), []],
  loadBalancerPools: [listOf(cidr), ['172.30.0.192/26' as Prefix]],
  nodePortRange: [pairOf(port), [30_000, 32_767]],
  nodePortAddresses: [listOf(cidr), []],
  masqueradeAll: [yesOrNo, false],
  proxyHealthPort: [wholeNumber(0, 65_535), 10_256],
  ingressHttpPort: [port, 80],
  ingressHttpsPort: [port, 443],
};

/**
 * Checks plain data (parsed YAML or JSON) and fills in the defaults. Throws KUBE_BAD_CONFIG with all that is wrong: the
 * path of each value, unknown names, ranges that overlap.
 */
export function parseClusterConfig(input: unknown = {}): ClusterConfig {
  const { settings, faults } = readSettings<Settings>(SETTINGS, input ?? {});
  const wrong = new Set(faults.map(({ path: [name] }) => String(name)));
  const { dnsAddress = nthAddress(settings.serviceCidrs[0] as Prefix, 10), ...rest } = settings;
  const config: ClusterConfig = { ...rest, dnsAddress };
  const problems = [
    ...faults.map(({ path, message }) => `${path.join('.') || 'configuration'}: ${message}`),
    ...[...overlaps(config), ...misfits(config)]
      .filter(({ fields }) => !fields.some((field) => wrong.has(field)))
      .map(({ problem }) => problem),
  ];
  if (problems.length > 0) throw badConfig(problems);
  return config;
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
