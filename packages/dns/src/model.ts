import { type IpAddress, tryParseIp, tryParsePort } from '@podwire/base';
import { type EndpointSlice, type Service, type ServiceImport, SOURCE_CLUSTER_LABEL } from '@podwire/kube';
import { isHostLabel, isHostName } from './name.ts';

/** What DNS needs to know of a Service; everything a name cannot be made of is already left out. */
export interface DnsService {
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'cluster-ip' | 'headless' | 'external-name';
  /** In spec order, one or two; empty unless kind is cluster-ip. */
  readonly clusterIps: readonly IpAddress[];
  /** Named ports of cluster-ip services; headless ones take theirs from the slices. */
  readonly ports: readonly DnsPort[];
  /** Only for kind external-name. */
  readonly externalName: string | undefined;
  readonly publishNotReady: boolean;
}

export interface DnsPort {
  readonly name: string;
  /** tcp, udp or sctp. */
  readonly protocol: string;
  readonly port: number;
}

/** What DNS needs to know of a ServiceImport. */
export interface DnsImport {
  readonly namespace: string;
  readonly name: string;
  readonly headless: boolean;
  /** One or two, or none yet; empty when headless. */
  readonly ips: readonly IpAddress[];
  /** Named ports; headless imports take theirs from the slices. */
  readonly ports: readonly DnsPort[];
}

/** One EndpointSlice. */
export interface DnsSlice {
  /** Of a multi-cluster service: the cluster the endpoints are in. */
  readonly cluster: string | undefined;
  readonly endpoints: readonly DnsEndpoint[];
  readonly ports: readonly DnsPort[];
}

export interface DnsEndpoint {
  readonly addresses: readonly IpAddress[];
  readonly hostname: string | undefined;
  /** Unset in the API means true. */
  readonly ready: boolean;
}

interface ApiPort {
  readonly name?: string;
  readonly protocol?: string;
  readonly port?: number;
}

function readPorts(ports: readonly ApiPort[] | undefined): DnsPort[] {
  return (ports ?? []).flatMap(({ name, protocol = 'TCP', port }) => {
    const number = tryParsePort(port);
    return name && isHostLabel(name) && number !== undefined
      ? [{ name: name.toLowerCase(), protocol: protocol.toLowerCase(), port: number }]
      : [];
  });
}

function readAddresses(texts: readonly (string | undefined)[]): IpAddress[] {
  return texts.flatMap((text) => (text === undefined ? [] : (tryParseIp(text) ?? [])));
}

/** Undefined for a Service whose name or namespace cannot be a label. */
export function modelService(service: Service): DnsService | undefined {
  const { name = '', namespace = '' } = service.metadata ?? {};
  if (!isHostLabel(name) || !isHostLabel(namespace)) return undefined;
  const spec = service.spec ?? {};
  const headless = spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None';
  const kind = spec.type === 'ExternalName' ? 'external-name' : headless ? 'headless' : 'cluster-ip';
  const externalName = spec.externalName?.replace(/\.$/, '').toLowerCase() ?? '';
  return {
    namespace,
    name,
    kind,
    clusterIps: kind === 'cluster-ip' ? readAddresses(spec.clusterIPs ?? [spec.clusterIP]) : [],
    ports: kind === 'cluster-ip' ? readPorts(spec.ports) : [],
    externalName: kind === 'external-name' && isHostName(externalName) ? externalName : undefined,
    publishNotReady: spec.publishNotReadyAddresses === true,
  };
}

/** Undefined for a ServiceImport whose name or namespace cannot be a label. */
export function modelImport({ metadata, spec }: ServiceImport): DnsImport | undefined {
  const { name = '', namespace = '' } = metadata ?? {};
  if (!isHostLabel(name) || !isHostLabel(namespace)) return undefined;
  const headless = spec?.type === 'Headless';
  const [ips, ports] = headless ? [[], []] : [readAddresses(spec?.ips ?? []), readPorts(spec?.ports)];
  return { namespace, name, headless, ips, ports };
}

export function modelSlice(slice: EndpointSlice): DnsSlice {
  const cluster = slice.metadata?.labels?.[SOURCE_CLUSTER_LABEL] ?? '';
  return {
    cluster: isHostLabel(cluster) ? cluster.toLowerCase() : undefined,
    endpoints: (slice.endpoints ?? []).map((endpoint) => ({
      addresses: readAddresses(endpoint.addresses ?? []),
      hostname: endpoint.hostname && isHostLabel(endpoint.hostname) ? endpoint.hostname.toLowerCase() : undefined,
      ready: endpoint.conditions?.ready !== false,
    })),
    ports: readPorts(slice.ports),
  };
}
