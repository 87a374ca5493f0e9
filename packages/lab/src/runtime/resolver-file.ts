import type { Pod } from '@podwire/kube';

/** resolv.conf(5) as data. */
export interface ResolverConfig {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface ResolverInput {
  readonly namespace: string;
  readonly spec: Pick<NonNullable<Pod['spec']>, 'dnsPolicy' | 'dnsConfig' | 'hostNetwork'>;
  readonly clusterDomain: string;
  readonly dnsAddress: string;
  /** The node's own resolver. */
  readonly node: ResolverConfig;
}

/** What the API and glibc allow (KEP-2595). */
const MAX_SEARCHES = 32;
const MAX_SEARCH_BYTES = 2048;
const MAX_NAMESERVERS = 3;

/** The pod's resolver (DNS-10). An unknown policy counts as ClusterFirst; ClusterFirst in the node's network as Default. */
export function podResolver({ namespace, spec, clusterDomain, dnsAddress, node }: ResolverInput): ResolverConfig {
  const policy = spec.dnsPolicy ?? 'ClusterFirst';
  const ofNode =
    policy === 'Default' || (spec.hostNetwork && policy !== 'ClusterFirstWithHostNet' && policy !== 'None');
  const cluster: ResolverConfig = {
    nameservers: [dnsAddress],
    searches: [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain, ...node.searches],
    options: ['ndots:5'],
  };
  const base = policy === 'None' ? { nameservers: [], searches: [], options: [] } : ofNode ? node : cluster;
  const own = spec.dnsConfig ?? {};
  const ownOptions = (own.options ?? []).map((o) => (o.value ? `${o.name}:${o.value}` : (o.name ?? '')));
  return {
    nameservers: unique([...base.nameservers, ...(own.nameservers ?? [])]).slice(0, MAX_NAMESERVERS),
    searches: limitSearches(unique([...base.searches, ...(own.searches ?? [])].map(withoutDot))),
    options: mergeOptions(base.options, ownOptions),
  };
}

/** A later option replaces an earlier one of the same name. */
function mergeOptions(base: readonly string[], own: readonly string[]): string[] {
  const nameOf = (option: string) => option.split(':')[0] ?? option;
  const replaced = new Set(own.map(nameOf));
  return [...base.filter((o) => !replaced.has(nameOf(o))), ...own].filter((o) => o !== '');
}

function limitSearches(searches: readonly string[]): string[] {
  const kept: string[] = [];
  let bytes = 0;
  for (const search of searches.slice(0, MAX_SEARCHES)) {
    bytes += search.length + 1;
    if (bytes > MAX_SEARCH_BYTES) break;
    kept.push(search);
  }
  return kept;
}

function withoutDot(name: string): string {
  return name.length > 1 && name.endsWith('.') ? name.slice(0, -1) : name;
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}

/** The file's text. Values that would end a line or hold blanks are left out: they come from API objects. */
export function formatResolver({ nameservers, searches, options }: ResolverConfig): string {
  const words = (list: readonly string[]) => list.filter((w) => /^[!-~]+$/.test(w) && !/[#;]/.test(w));
  const lines = words(nameservers).map((n) => `nameserver ${n}`);
  if (words(searches).length > 0) lines.push(`search ${words(searches).join(' ')}`);
  if (words(options).length > 0) lines.push(`options ${words(options).join(' ')}`);
  return lines.map((line) => `${line}\n`).join('');
}

/** Reads nameserver, search, domain and options lines; everything else is skipped. */
export function parseResolver(text: string): ResolverConfig {
  const config = { nameservers: [] as string[], searches: [] as string[], options: [] as string[] };
  for (const line of text.split('\n')) {
    const [key, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (key === 'nameserver' && values[0]) config.nameservers.push(values[0]);
    else if (key === 'search' || key === 'domain') config.searches = values;
    else if (key === 'options') config.options.push(...values);
  }
  return config;
}
