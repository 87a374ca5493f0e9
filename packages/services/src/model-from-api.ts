import {
  compareIp,
  type Family,
  type IpAddress,
  type Prefix,
  prefixContains,
  prefixesOverlap,
  prefixParts,
  tryParseIp,
  tryParsePort,
  tryParsePrefix,
} from '@podwire/base';
import type { EndpointSlice, Node, Service } from '@podwire/kube';
import {
  ANNOTATIONS,
  balanceFromText,
  forwardingFromText,
  misreadAnnotations,
  weightsFromText,
} from './annotations.ts';
import {
  type EndpointModel,
  isOf,
  type NodeModel,
  ofFamily,
  type Protocol,
  type ServiceModel,
  type ServicePortModel,
} from './model.ts';
import { slowStartFromText } from './slow-start.ts';

type ApiPort = NonNullable<NonNullable<Service['spec']>['ports']>[number];
type ApiEndpoint = EndpointSlice['endpoints'][number];

const PROXY_NAME = 'service.kubernetes.io/service-proxy-name';
const HEADLESS = 'service.kubernetes.io/headless';
const PROTOCOLS: Readonly<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };
const DEFAULT_AFFINITY_SECONDS = 10_800;
/** None may be an endpoint: a packet could not get there. */
const NOWHERE: readonly string[] = ['::1', '::', '0.0.0.0'];
/** One for all: a list of its own would cost memory in each of many services. */
const NONE: readonly never[] = [];
const FAMILIES = ['ipv4', 'ipv6'] as const;
const ADDRESS_TYPES: Readonly<Record<string, Family>> = { IPv4: 'ipv4', IPv6: 'ipv6' };

/** Who balances a service: this room; somebody else, who owns its cluster addresses; or nobody (SVC-22). */
export function proxiedBy(service: Service): 'us' | 'other' | 'nobody' {
  const labels = service.metadata?.labels ?? {};
  if (service.spec?.type === 'ExternalName' || clusterAddresses(service).length === 0) return 'nobody';
  return PROXY_NAME in labels || HEADLESS in labels ? 'other' : 'us';
}

/** Of both families; none for a headless service. */
export function clusterAddresses(service: Service): readonly IpAddress[] {
  const spec = service.spec;
  return addresses(spec?.clusterIPs?.length ? spec.clusterIPs : [spec?.clusterIP ?? '']);
}

/** Total: text that is no address, port or protocol is left out. Slices are those labelled with the service's name. */
export function serviceFromApi(service: Service, slices: readonly EndpointSlice[], nodeName: string): ServiceModel {
  const { metadata, spec = {} } = service;
  const { annotations } = metadata ?? {};
  const ports = portsFromApi(spec.ports ?? NONE, {
    slices,
    nodeName,
    weights: weightsFromText(annotations?.[ANNOTATIONS.weights]),
    places: forwardingFromText(annotations?.[ANNOTATIONS.forwarding]) !== undefined,
  });
  const model: ServiceModel = {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    clusterAddresses: clusterAddresses(service),
    externalAddresses: spec.externalIPs ? addresses(spec.externalIPs) : NONE,
    loadBalancerAddresses: spec.type === 'LoadBalancer' ? loadBalancerAddresses(service) : NONE,
    affinitySeconds: affinitySeconds(spec),
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local',
    ports,
  };
  const more = rareFields(service, ports);
  return more ? { ...model, ...more } : model;
}

/** Most services have none of these, and there are many. */
function rareFields(
  { metadata, spec = {} }: Service,
  ports: readonly ServicePortModel[],
): Partial<ServiceModel> | undefined {
  const annotations = metadata?.annotations;
  if (!annotations && spec.type !== 'LoadBalancer' && !spec.loadBalancerSourceRanges) return undefined;
  const ranges = spec.loadBalancerSourceRanges ?? NONE;
  const healthCheckNodePort = healthCheckPort(spec);
  const balance = balanceFromText(annotations?.[ANNOTATIONS.balance]);
  const ipvsScheduler = annotations?.[ANNOTATIONS.ipvsScheduler]?.trim();
  const slowStart = slowStartFromText(annotations?.[ANNOTATIONS.slowStart], { ports, ...(balance && { balance }) });
  const forwarding = forwardingFromText(annotations?.[ANNOTATIONS.forwarding]);
  const misread = misreadAnnotations(annotations);
  const found = healthCheckNodePort || balance || ipvsScheduler || slowStart || forwarding;
  if (!found && !ranges.length && !misread.length) return undefined;
  return {
    ...(ranges.length > 0 && { sourceRanges: disjointPrefixes(ranges) }),
    ...(healthCheckNodePort && { healthCheckNodePort }),
    ...(balance && { balance }),
    ...(ipvsScheduler && { ipvsScheduler }),
    ...(slowStart && { slowStart }),
    ...(forwarding && { forwarding }),
    ...(misread.length > 0 && { misread }),
  };
}

function healthCheckPort({ type, externalTrafficPolicy, healthCheckNodePort }: NonNullable<Service['spec']>) {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local' ? tryParsePort(healthCheckNodePort) : undefined;
}

/** Where node ports are wanted (SVC-9). */
export interface NodePortPlaces {
  /** Ranges of addresses; empty: the primary addresses. Loopback only when a range names it. */
  readonly ranges: readonly Prefix[];
  /** Addresses the node has beside those its Node object tells. */
  readonly local: readonly IpAddress[];
}

export function nodeFromApi(
  node: Node | undefined,
  name: string,
  { ranges, local }: NodePortPlaces = { ranges: [], local: [] },
): NodeModel {
  const told = node?.status?.addresses ?? [];
  const internal = addresses(told.filter((entry) => entry.type === 'InternalIP').map((entry) => entry.address));
  const primary = FAMILIES.flatMap((family) => ofFamily(internal, family).slice(0, 1));
  const all = [...new Set([...internal, ...addresses(told.map((entry) => entry.address)), ...local])].sort(compareIp);
  const zone = node?.metadata?.labels?.['topology.kubernetes.io/zone'];
  const cidrs = node?.spec?.podCIDRs ?? (node?.spec?.podCIDR ? [node.spec.podCIDR] : []);
  return {
    name,
    addresses: primary,
    nodePortAddresses: ranges.length
      ? all.filter((address) => ranges.some((range) => prefixContains(range, address)))
      : primary,
    podCidrs: disjointPrefixes(cidrs),
    ...(zone && { zone }),
  };
}

/** In order, IPv4 first, none inside another: an interval set takes no overlaps. */
export function disjointPrefixes(texts: readonly string[]): Prefix[] {
  const all = texts.map((text) => tryParsePrefix(text.trim())).filter((p): p is Prefix => p !== undefined);
  const widestFirst = [...new Set(all)].sort((a, b) => prefixParts(a).length - prefixParts(b).length);
  const disjoint = widestFirst.filter(
    (prefix, i) => !widestFirst.slice(0, i).some((wider) => prefixesOverlap(wider, prefix)),
  );
  return disjoint.sort(compareIp);
}

function addresses(texts: readonly string[]): readonly IpAddress[] {
  if (texts.length === 1) {
    const ip = tryParseIp(texts[0] ?? '');
    return ip === undefined ? NONE : [ip];
  }
  return [...new Set(texts.map(tryParseIp).filter((ip) => ip !== undefined))];
}

function loadBalancerAddresses(service: Service): readonly IpAddress[] {
  // ipMode is newer than the types in use (KEP-1860).
  const ingress: readonly { ip?: string; ipMode?: string }[] = service.status?.loadBalancer?.ingress ?? [];
  return addresses(ingress.flatMap(({ ip, ipMode }) => (ip && ipMode !== 'Proxy' ? [ip] : [])));
}

function affinitySeconds(spec: NonNullable<Service['spec']>): number {
  if (spec.sessionAffinity !== 'ClientIP') return 0;
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
  return Math.min(Math.max(Math.trunc(seconds), 1), 86_400);
}

/** What the endpoints of a service are read from. */
interface Context {
  readonly slices: readonly EndpointSlice[];
  readonly nodeName: string;
  readonly weights?: ReadonlyMap<string, number> | undefined;
  /** Whether it matters on which node an endpoint is. */
  readonly places: boolean;
}

function portsFromApi(ports: readonly ApiPort[], context: Context): readonly ServicePortModel[] {
  const models = ports.map((port) => portFromApi(port, context));
  return models.every((model) => model !== undefined) ? models : models.filter((model) => model !== undefined);
}

function portFromApi(port: ApiPort, context: Context): ServicePortModel | undefined {
  const protocol = PROTOCOLS[port.protocol ?? 'TCP'];
  const number = tryParsePort(port.port);
  const nodePort = tryParsePort(port.nodePort);
  if (!protocol || !number) return undefined;
  const name = port.name ?? '';
  const model = { name, protocol, port: number, endpoints: endpointsOf(name, protocol, context) };
  return nodePort ? { ...model, nodePort } : model;
}

/** Merges the slices (SVC-2); a pair seen twice counts once, with the better of its conditions. */
function endpointsOf(name: string, protocol: Protocol, context: Context): readonly EndpointModel[] {
  const found: EndpointModel[] = [];
  for (const { ports, addressType, endpoints } of context.slices) {
    const match = ports?.find((one) => (one.name ?? '') === name && PROTOCOLS[one.protocol ?? 'TCP'] === protocol);
    const port = tryParsePort(match?.port);
    const family = ADDRESS_TYPES[addressType];
    if (!port || !family) continue;
    for (const endpoint of endpoints ?? NONE) {
      const model = endpointFromApi(endpoint, port, context);
      if (model && isOf(model.address, family)) found.push(model);
    }
  }
  // a copy has no room to grow, as the list that was filled has
  const inOrder = found.every((one, i) => i === 0 || byAddress(found[i - 1] as EndpointModel, one) < 0);
  return inOrder ? found.slice() : eachOnce(found.sort(byAddress));
}

const byAddress = (a: EndpointModel, b: EndpointModel): number => compareIp(a.address, b.address) || a.port - b.port;

/** Of a sorted list. */
function eachOnce(sorted: readonly EndpointModel[]): readonly EndpointModel[] {
  const merged: EndpointModel[] = [];
  for (const model of sorted) {
    const last = merged.at(-1);
    if (last && byAddress(last, model) === 0) merged[merged.length - 1] = better(last, model);
    else merged.push(model);
  }
  return merged.slice();
}

/** Consumers use the first address of an endpoint only (k/k 106267). */
function endpointFromApi(
  endpoint: ApiEndpoint,
  port: number,
  { nodeName, weights, places }: Context,
): EndpointModel | undefined {
  const address = tryParseIp(endpoint.addresses?.[0] ?? '');
  if (!address || address.startsWith('127.') || NOWHERE.includes(address)) return undefined;
  const { ready = true, serving = ready, terminating = false } = endpoint.conditions ?? {};
  const local = endpoint.nodeName === nodeName;
  const fallback = serving && terminating;
  const model = { address, port, ready, fallback, local, maybeLocal: local || !endpoint.nodeName };
  const weight = weights?.get(address) ?? weights?.get(endpoint.targetRef?.name ?? '') ?? 1;
  const named = places && endpoint.nodeName ? { ...model, nodeName: endpoint.nodeName } : model;
  if (weight === 1 && !endpoint.hints) return named;
  return { ...named, ...(weight > 1 && { weight }), ...hintsOf(endpoint) };
}

function hintsOf(endpoint: ApiEndpoint): Pick<EndpointModel, 'forZones' | 'forNodes'> {
  // forNodes is newer than the types in use (KEP-3015).
  const hints: { readonly forZones?: readonly Named[]; readonly forNodes?: readonly Named[] } | undefined =
    endpoint.hints;
  if (!hints) return {};
  const names = (list: readonly Named[] = []) => list.map(({ name }) => name);
  return {
    ...(hints.forZones?.length && { forZones: names(hints.forZones) }),
    ...(hints.forNodes?.length && { forNodes: names(hints.forNodes) }),
  };
}

interface Named {
  readonly name: string;
}

function better(a: EndpointModel, b: EndpointModel): EndpointModel {
  const [local, maybeLocal] = [a.local || b.local, a.maybeLocal || b.maybeLocal];
  return { ...a, ready: a.ready || b.ready, fallback: a.fallback || b.fallback, local, maybeLocal };
}
