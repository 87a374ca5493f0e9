import {
  compareIp,
  familyOf,
  type Ipv4,
  type Prefix,
  prefixesOverlap,
  prefixParts,
  tryParseIp,
  tryParsePort,
  tryParsePrefix,
} from '@podwire/base';
import type { EndpointSlice, Node, Service } from '@podwire/kube';
import type { EndpointModel, NodeModel, Protocol, ServiceModel, ServicePortModel } from './model.ts';

type ApiPort = NonNullable<NonNullable<Service['spec']>['ports']>[number];
type ApiEndpoint = EndpointSlice['endpoints'][number];

const PROXY_NAME = 'service.kubernetes.io/service-proxy-name';
const HEADLESS = 'service.kubernetes.io/headless';
const PROTOCOLS: Readonly<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };
const DEFAULT_AFFINITY_SECONDS = 10_800;
const LOOPBACK = /^127\./;

/** Who balances a service: this room; somebody else, who owns its cluster addresses; or nobody (SVC-22). */
export function proxiedBy(service: Service): 'us' | 'other' | 'nobody' {
  const labels = service.metadata?.labels ?? {};
  if (service.spec?.type === 'ExternalName' || clusterAddresses(service).length === 0) return 'nobody';
  return PROXY_NAME in labels || HEADLESS in labels ? 'other' : 'us';
}

/** The IPv4 cluster addresses; none for a headless service. */
export function clusterAddresses(service: Service): readonly Ipv4[] {
  const spec = service.spec;
  return ipv4s(spec?.clusterIPs?.length ? spec.clusterIPs : [spec?.clusterIP ?? '']);
}

/** Total: text that is no address, port or protocol is left out. Slices are those labelled with the service's name. */
export function serviceFromApi(service: Service, slices: readonly EndpointSlice[], nodeName: string): ServiceModel {
  const spec = service.spec ?? {};
  const ranges = sourceRanges(spec.loadBalancerSourceRanges ?? []);
  return {
    namespace: service.metadata?.namespace ?? '',
    name: service.metadata?.name ?? '',
    clusterAddresses: clusterAddresses(service),
    externalAddresses: ipv4s(spec.externalIPs ?? []),
    loadBalancerAddresses: spec.type === 'LoadBalancer' ? loadBalancerAddresses(service) : [],
    ...(ranges && { sourceRanges: ranges }),
    affinitySeconds: affinitySeconds(spec),
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local',
    ports: (spec.ports ?? []).flatMap((port) => portFromApi(port, slices, nodeName)),
  };
}

export function nodeFromApi(node: Node | undefined, name: string): NodeModel {
  const internal =
    node?.status?.addresses?.filter((entry) => entry.type === 'InternalIP').map((entry) => entry.address) ?? [];
  const [address] = ipv4s(internal);
  const cidrs = node?.spec?.podCIDRs ?? (node?.spec?.podCIDR ? [node.spec.podCIDR] : []);
  return { name, ...(address && { address }), podCidrs: ipv4Prefixes(cidrs) };
}

/** IPv4 prefixes only, in order, none inside another: an interval set takes no overlaps. */
export function ipv4Prefixes(texts: readonly string[]): Prefix[] {
  const all = texts
    .map((text) => tryParsePrefix(text.trim()))
    .filter((p): p is Prefix => p !== undefined && familyOf(p) === 'ipv4');
  const widestFirst = [...new Set(all)].sort((a, b) => prefixParts(a).length - prefixParts(b).length);
  const disjoint = widestFirst.filter(
    (prefix, i) => !widestFirst.slice(0, i).some((wider) => prefixesOverlap(wider, prefix)),
  );
  return disjoint.sort(compareIp);
}

/** Ranges of another family only leave nobody in; everything in a range is no range. */
function sourceRanges(texts: readonly string[]): Prefix[] | undefined {
  const ranges = ipv4Prefixes(texts);
  return texts.length === 0 || ranges.some((range) => prefixParts(range).length === 0) ? undefined : ranges;
}

function ipv4s(texts: readonly string[]): Ipv4[] {
  const all = texts.map(tryParseIp).filter((ip): ip is Ipv4 => ip !== undefined && familyOf(ip) === 'ipv4');
  return [...new Set(all)];
}

function loadBalancerAddresses(service: Service): Ipv4[] {
  // ipMode is newer than the types in use (KEP-1860).
  const ingress: readonly { ip?: string; ipMode?: string }[] = service.status?.loadBalancer?.ingress ?? [];
  return ipv4s(ingress.flatMap(({ ip, ipMode }) => (ip && ipMode !== 'Proxy' ? [ip] : [])));
}

function affinitySeconds(spec: NonNullable<Service['spec']>): number {
  if (spec.sessionAffinity !== 'ClientIP') return 0;
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
  return Math.min(Math.max(Math.trunc(seconds), 1), 86_400);
}

function portFromApi(port: ApiPort, slices: readonly EndpointSlice[], nodeName: string): ServicePortModel[] {
  const protocol = PROTOCOLS[port.protocol ?? 'TCP'];
  const number = tryParsePort(port.port);
  const nodePort = tryParsePort(port.nodePort);
  if (!protocol || !number) return [];
  const name = port.name ?? '';
  return [
    {
      name,
      protocol,
      port: number,
      ...(nodePort && { nodePort }),
      endpoints: endpointsOf(name, protocol, slices, nodeName),
    },
  ];
}

/** Merges the slices (SVC-2); a pair seen twice counts once, with the better of its conditions. */
function endpointsOf(
  name: string,
  protocol: Protocol,
  slices: readonly EndpointSlice[],
  nodeName: string,
): EndpointModel[] {
  const found = new Map<string, EndpointModel>();
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue;
    const match = slice.ports?.find(
      (port) => (port.name ?? '') === name && PROTOCOLS[port.protocol ?? 'TCP'] === protocol,
    );
    const port = tryParsePort(match?.port);
    if (!port) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const model = endpointFromApi(endpoint, port, nodeName);
      if (!model) continue;
      const key = `${model.address}:${model.port}`;
      const seen = found.get(key);
      found.set(key, seen ? better(seen, model) : model);
    }
  }
  return [...found.values()].sort((a, b) => compareIp(a.address, b.address) || a.port - b.port);
}

/** Consumers use the first address of an endpoint only (k/k 106267). */
function endpointFromApi(endpoint: ApiEndpoint, port: number, nodeName: string): EndpointModel | undefined {
  const [address] = ipv4s(endpoint.addresses?.slice(0, 1) ?? []);
  if (!address || LOOPBACK.test(address)) return undefined;
  const { ready = true, serving = ready, terminating = false } = endpoint.conditions ?? {};
  const local = endpoint.nodeName === nodeName;
  return { address, port, ready, fallback: serving && terminating, local, maybeLocal: local || !endpoint.nodeName };
}

function better(a: EndpointModel, b: EndpointModel): EndpointModel {
  const [local, maybeLocal] = [a.local || b.local, a.maybeLocal || b.maybeLocal];
  return { ...a, ready: a.ready || b.ready, fallback: a.fallback || b.fallback, local, maybeLocal };
}
