import { type IpAddress, tryParseIp } from '@podwire/base';
import type { Pod } from '@podwire/kube';
import type { Site } from './site.ts';

/** How a client turns names into questions (resolv.conf(5)). */
export interface Resolver {
  readonly server: IpAddress;
  readonly searches: readonly string[];
  /** Names with fewer dots go through the search list first. */
  readonly ndots: number;
  /** /etc/hosts: hostAliases of the pod. */
  readonly hosts: ReadonlyMap<string, IpAddress>;
}

const NDOTS = 5;

/** The resolver of a pod whose dnsPolicy leads to the cluster's DNS; undefined: it asks servers that nothing is known of. */
export function resolverOf({ metadata, spec }: Pod, { cluster }: Site): Resolver | undefined {
  const policy = spec?.dnsPolicy ?? 'ClusterFirst';
  const { searches = [], options = [], nameservers = [] } = spec?.dnsConfig ?? {};
  const ofNode = policy === 'Default' || (policy === 'ClusterFirst' && spec?.hostNetwork === true);
  const server = ofNode ? undefined : policy === 'None' ? tryParseIp(nameservers[0] ?? '') : cluster.dnsAddress;
  if (!server) return undefined;
  const domain = cluster.clusterDomain;
  const own = policy === 'None' ? [] : [`${metadata?.namespace ?? ''}.svc.${domain}`, `svc.${domain}`, domain];
  const ndots = Number(options.find(({ name }) => name === 'ndots')?.value ?? (policy === 'None' ? 1 : NDOTS));
  return {
    server,
    searches: [...own, ...searches],
    ndots: Number.isInteger(ndots) ? ndots : NDOTS,
    hosts: hostsOf(spec),
  };
}

function hostsOf(spec: Pod['spec']): Map<string, IpAddress> {
  const entries = (spec?.hostAliases ?? []).flatMap(({ ip, hostnames = [] }) => {
    const address = tryParseIp(ip ?? '');
    return address ? hostnames.map((name) => [name.toLowerCase(), address] as const) : [];
  });
  return new Map(entries);
}

/** The questions for a name, in order, until one is answered with an address. */
export function questionsFor(name: string, { searches, ndots }: Pick<Resolver, 'searches' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = searches.map((search) => `${name}.${search}`);
  return name.split('.').length - 1 >= ndots ? [name, ...searched] : [...searched, name];
}
