import type { Pod } from '@podwire/kube';

/** A pod's own name, shorter than a kernel hostname may be; spec.hostname wins over the pod's name. */
export function podHostname(pod: Pod): string {
  return (pod.spec?.hostname || pod.metadata?.name || '').slice(0, 63).replace(/[-.]+$/, '');
}

export interface HostsInput {
  readonly pod: Pod;
  /** Empty for none yet. */
  readonly podIp: string;
  readonly clusterDomain: string;
}

/**
 * A pod's /etc/hosts: localhost, its own address with `hostname.subdomain.namespace.svc.domain` when it has a subdomain,
 * and hostAliases. `localhost` is 127.0.0.1 alone, because played servers listen on IPv4.
 */
export function formatHosts({ pod, podIp, clusterDomain }: HostsInput): string {
  const lines = ['# made by podwire for this pod', '127.0.0.1\tlocalhost', '::1\tip6-localhost ip6-loopback'];
  const hostname = podHostname(pod);
  const { subdomain, hostAliases = [] } = pod.spec ?? {};
  if (podIp) {
    const full = subdomain ? `${hostname}.${subdomain}.${pod.metadata?.namespace}.svc.${clusterDomain}\t` : '';
    lines.push(`${podIp}\t${full}${hostname}`);
  }
  if (hostAliases.length > 0) lines.push('', '# hostAliases');
  for (const { ip, hostnames = [] } of hostAliases) {
    const words = [ip ?? '', ...hostnames].filter((w) => /^[!-~]+$/.test(w) && !w.includes('#'));
    if (words.length === hostnames.length + 1) lines.push(words.join('\t'));
  }
  return `${lines.join('\n')}\n`;
}
