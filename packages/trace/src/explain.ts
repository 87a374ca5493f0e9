import { compareIp, familyOf, type IpAddress, PodwireError, tryParseIp } from '@podwire/base';
import type { Pod } from '@podwire/kube';
import { keyOf } from './cluster-objects.ts';
import type { ClusterView } from './cluster-view.ts';
import { findOrigin, parseTarget, requirePod } from './endpoint-name.ts';
import { missingPart } from './missing-name.ts';
import { NameLookup } from './name-lookup.ts';
import { podAddress } from './pod-attachment.ts';
import { questionsFor, type Resolver, resolverOf } from './resolver.ts';
import { NODE_LOCAL_DNS } from './site.ts';
import type { Explanation, Protocol, Step, Verdict } from './step.ts';
import { findPort } from './target-port.ts';
import { type Origin, walk } from './walk.ts';

export interface ExplainRequest {
  /** [NAMESPACE/]POD, a node, an address, or `outside`. */
  readonly from: string;
  /** [NAMESPACE/]POD, a Service or DNS name as the source resolves it, or an IPv4 address; with :PORT (number or name). */
  readonly to: string;
  readonly protocol: Protocol;
  /** Follow this endpoint instead of the first: [NAMESPACE/]POD, address or address:port. */
  readonly endpoint?: string;
}

/**
 * The whole path of a new connection, from the plans of all rooms on all nodes it passes; nothing is asked of the kernel.
 * Throws TRACE_TARGET, TRACE_NO_POD and TRACE_NO_ENDPOINT for requests that name what is not there.
 */
export function explain(cluster: ClusterView, request: ExplainRequest): Explanation {
  return new Explainer(cluster, request).explain();
}

type Found = { readonly address: IpAddress } | { readonly verdict: Verdict };

class Explainer {
  readonly #cluster: ClusterView;
  readonly #request: ExplainRequest;
  readonly #origin: Origin;
  readonly #pod: Pod | undefined;
  readonly #steps: Step[] = [];

  constructor(cluster: ClusterView, request: ExplainRequest) {
    this.#cluster = cluster;
    this.#request = request;
    const { origin, pod } = findOrigin(cluster, request.from);
    this.#origin = origin;
    this.#pod = pod;
  }

  explain(): Explanation {
    const { to, protocol } = this.#request;
    const target = parseTarget(to);
    const found = this.#find(target.host);
    const { proxyMode } = this.#cluster.site.cluster;
    const base = { from: this.#origin.name, to, protocol, proxyMode, steps: this.#steps };
    if ('verdict' in found) return { ...base, port: Number(target.port) || 0, verdict: found.verdict };
    const port = findPort(this.#cluster, { ...target, address: found.address, protocol });
    const { steps, verdict } = walk(this.#cluster, {
      ...{ origin: this.#origin, destination: found.address, protocol, port },
      endpoint: this.#endpoint(),
    });
    return { ...base, steps: [...this.#steps, ...steps], port, verdict };
  }

  #namespace(): string {
    return this.#pod?.metadata?.namespace ?? 'default';
  }

  #endpoint(): string | undefined {
    const { endpoint } = this.#request;
    if (endpoint === undefined || tryParseIp(endpoint.split(':')[0] ?? '')) return endpoint;
    const key = endpoint.includes('/') ? endpoint : `${this.#namespace()}/${endpoint}`;
    return podAddress(requirePod(this.#cluster, this.#cluster.pod(key), key));
  }

  #find(host: string): Found {
    const address = tryParseIp(host);
    if (address && familyOf(address) === 'ipv4') return { address };
    if (host.includes('/')) return this.#ofPod(requirePod(this.#cluster, this.#cluster.pod(host), host));
    const key = `${this.#namespace()}/${host}`;
    const pod = this.#cluster.pod(key);
    const isService = this.#cluster.objects.services.some((service) => keyOf(service) === key);
    return pod && !isService ? this.#ofPod(pod) : this.#resolve(host);
  }

  #ofPod(pod: Pod): Found {
    const address = podAddress(pod);
    if (!address) throw new PodwireError('TRACE_NO_POD', `pod ${keyOf(pod)} has no address yet`);
    return { address };
  }

  #resolve(name: string): Found {
    const resolver = this.#pod && resolverOf(this.#pod, this.#cluster.site);
    const known = resolver?.hosts.get(name.toLowerCase());
    if (known) {
      this.#dns(`${name} is ${known} in the pod's /etc/hosts (hostAliases)`);
      return { address: known };
    }
    const ours: readonly string[] = [this.#cluster.site.cluster.dnsAddress, NODE_LOCAL_DNS];
    if (!resolver || !ours.includes(resolver.server)) return this.#foreign(name, resolver);
    return this.#askServer(resolver) ?? this.#search(name, resolver);
  }

  #foreign(name: string, resolver: Resolver | undefined): Found {
    const server = resolver?.server ?? 'a resolver outside of the cluster';
    const reason = `${this.#origin.name} asks ${server} for "${name}", whose answer is not known here; give an address`;
    return { verdict: { kind: 'unresolved', where: this.#origin.name, reason } };
  }

  /** The question is a packet too, and policies may stop it. */
  #askServer({ server }: Resolver): Found | undefined {
    const { steps, verdict } = walk(this.#cluster, {
      ...{ origin: this.#origin, destination: server, protocol: 'udp', port: 53 },
    });
    if (verdict.kind === 'delivered') {
      this.#dns(`questions go to ${server} udp 53, answered on ${verdict.where}`);
      return undefined;
    }
    this.#steps.push(...steps);
    return { verdict: { ...verdict, reason: `the DNS question to ${server} udp 53: ${verdict.reason}` } };
  }

  #search(name: string, resolver: Resolver): Found {
    const lookup = new NameLookup(this.#cluster);
    for (const question of questionsFor(name, resolver)) {
      const { rcode, addresses, alias } = lookup.ask(question);
      const wanted = this.#request.endpoint === undefined ? undefined : this.#endpoint()?.split(':')[0];
      const address = addresses.find((one) => one === wanted) ?? addresses.toSorted(compareIp)[0];
      this.#dns(
        `${question} A: ${alias ? `alias of ${alias}, ` : ''}${addresses.join(', ') || (rcode === 'upstream' ? 'asked outside of the cluster' : rcode)}`,
      );
      if (address) return { address };
      if (rcode === 'upstream') break;
    }
    const reason = missingPart(this.#cluster, name, this.#namespace());
    return { verdict: { kind: 'unresolved', where: this.#origin.name, reason } };
  }

  #dns(text: string): void {
    const where = this.#origin.kind === 'pod' ? `pod ${this.#origin.name}` : this.#origin.name;
    this.#steps.push({ where, kind: 'dns', text });
  }
}
