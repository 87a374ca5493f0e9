import type { Family, IpAddress, Prefix } from '@podwire/base';
import type { ClusterConfig } from '@podwire/kube';
import type { Peers } from './peers.ts';

/**
 * What the service proxy of one node knows, in its own words. Kubernetes types stop at model-from-api.ts.
 *
 *   ServicesModel ── ServiceModel ── ServicePortModel ── EndpointModel
 *                └── NodeModel (the node the rules are for)
 *
 * Addresses and prefixes of both families stand side by side; what is planned for one family looks at that family only
 * (`ofFamily`, `portTargets`).
 */
export interface ServicesModel {
  readonly cluster: ClusterModel;
  readonly node: NodeModel;
  readonly services: readonly ServiceModel[];
  /** Cluster addresses that some other proxy serves (label service-proxy-name): neither balanced, refused nor dropped. */
  readonly foreignAddresses: readonly IpAddress[];
  /** For direct server return; absent: nothing is known of other nodes. */
  readonly peers?: Peers | undefined;
}

/** The same by name, as the room keeps it from change to change; keys are those of `keyOf`. */
export interface ServicesView {
  readonly cluster: ClusterModel;
  readonly node: NodeModel;
  readonly services: ReadonlyMap<string, ServiceModel>;
  readonly foreign: ReadonlyMap<string, readonly IpAddress[]>;
  readonly peers?: Peers | undefined;
}

export interface ClusterModel {
  readonly podCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  /** Endpoints see no client of a cluster IP by its own address, pods neither (SVC-8). */
  readonly masqueradeAll?: boolean;
  /** How mode ipvs chooses where a Service asks for nothing else; absent: rr. */
  readonly ipvsScheduler?: ClusterConfig['ipvsScheduler'];
}

export interface NodeModel {
  readonly name: string;
  /** The first InternalIP of each family. */
  readonly addresses: readonly IpAddress[];
  /** Where node ports are: those addresses, or the node's addresses in the configured ranges (SVC-9). */
  readonly nodePortAddresses: readonly IpAddress[];
  readonly podCidrs: readonly Prefix[];
  /** Label topology.kubernetes.io/zone. */
  readonly zone?: string;
}

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** How endpoints are chosen (annotation podwire.io/balance, SVC-33); a mode that cannot do it says so and draws at random. */
export type Balance = 'random' | 'round-robin' | 'least-connections' | 'source-hash' | 'maglev';

export interface ServiceModel {
  /** Absent: a Service. */
  readonly kind?: 'ServiceImport';
  readonly namespace: string;
  readonly name: string;
  /** Of a ServiceImport those it has in this cluster. */
  readonly clusterAddresses: readonly IpAddress[];
  readonly externalAddresses: readonly IpAddress[];
  /** Only those with ipMode VIP (SVC-12). */
  readonly loadBalancerAddresses: readonly IpAddress[];
  /** Who may use the load-balancer addresses (SVC-17), without overlaps; absent: everyone. See `allowedSources`. */
  readonly sourceRanges?: readonly Prefix[];
  /** Seconds a client stays with its endpoint; 0: no affinity. */
  readonly affinitySeconds: number;
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  /** Where the node says whether it has a local endpoint (SVC-15); only with external policy Local. */
  readonly healthCheckNodePort?: number;
  /** Absent: random. */
  readonly balance?: Balance;
  /** Direct server return at its external addresses (annotation podwire.io/forwarding, SVC-33); absent: none. */
  readonly forwarding?: 'dsr';
  /** What mode ipvs is to use, as somebody wrote it (annotation podwire.io/ipvs-scheduler); absent: see `balance`. */
  readonly ipvsScheduler?: string;
  /** Absent: endpoints get their full share as soon as they are ready. */
  readonly slowStart?: SlowStart;
  /** What is not as it has to be and has no effect, in words. */
  readonly misread?: readonly string[];
  readonly ports: readonly ServicePortModel[];
}

/** How an endpoint that becomes ready beside others grows to its full share (annotation podwire.io/slow-start, SVC-33). */
export interface SlowStart {
  /** Until it has its full share; 1 to 3600. */
  readonly seconds: number;
  /** A full share is so many; it begins with one. 1: it has its full share at once, see `slowStartLimits`. */
  readonly parts: number;
  /** The parts of all endpoints of the largest port, once all have their full share. */
  readonly slots: number;
}

export interface ServicePortModel {
  /** Empty for an unnamed port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort?: number;
  /** In order of family, address and port, each pair once. */
  readonly endpoints: readonly EndpointModel[];
}

export interface EndpointModel {
  readonly address: IpAddress;
  readonly port: number;
  readonly ready: boolean;
  /** Serving while terminating: used when nothing is ready (SVC-3, KEP-1669). */
  readonly fallback: boolean;
  /** On the node the rules are for. */
  readonly local: boolean;
  /** Local, or the slice does not say where it is. */
  readonly maybeLocal: boolean;
  /** Where it is; only of a service with `forwarding`. */
  readonly nodeName?: string;
  /**
   * Share of new connections relative to the others (annotation podwire.io/weights), 1 to 100, and during a slow start times
   * the parts of its share; absent: 1.
   */
  readonly weight?: number;
  /** Hints of the slice (SVC-20): zones and nodes whose traffic it is meant for. */
  readonly forZones?: readonly string[];
  readonly forNodes?: readonly string[];
}

/** `default/web`, or `ServiceImport default/web`: no two services of any kind have the same. */
export function keyOf({ kind, namespace, name }: Pick<ServiceModel, 'kind' | 'namespace' | 'name'>): string {
  return kind ? `${kind} ${namespace}/${name}` : `${namespace}/${name}`;
}

/** `Service default/web`, for people. */
export function titleOf(key: string): string {
  return isImportKey(key) ? key : `Service ${key}`;
}

export const isImportKey = (key: string): boolean => key.startsWith('ServiceImport ');

/** Those of one family, in the same order; the same list when it has no others. */
export function ofFamily<T extends IpAddress | Prefix>(list: readonly T[], family: Family): readonly T[] {
  return list.every((one) => isOf(one, family)) ? list : list.filter((one) => isOf(one, family));
}

/** As `familyOf(address) === family`. */
export function isOf(address: IpAddress | Prefix, family: Family): boolean {
  return address.includes(':') === (family === 'ipv6');
}

/** Who may use the load-balancer addresses of a family: absent: everyone, empty: nobody. */
export function allowedSources({ sourceRanges }: ServiceModel, family: Family): readonly Prefix[] | undefined {
  const ranges = sourceRanges && ofFamily(sourceRanges, family);
  return ranges?.some((range) => range.endsWith('/0')) ? undefined : ranges;
}

/** `10.244.1.5:8080`, `[fd00::5]:8080` */
export function endpointName({ address, port }: Pick<EndpointModel, 'address' | 'port'>): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The families the cluster has addresses of; IPv4 when it does not say. */
export function familiesOf({ podCidrs, serviceCidrs }: ClusterModel): readonly Family[] {
  const cidrs = [...podCidrs, ...serviceCidrs];
  const six = cidrs.some((cidr) => isOf(cidr, 'ipv6'));
  const four = !six || cidrs.some((cidr) => isOf(cidr, 'ipv4'));
  return [...(four ? (['ipv4'] as const) : []), ...(six ? (['ipv6'] as const) : [])];
}

/** The kernel drops what leaves a loopback address for a pod. */
export const isRoutable = (address: IpAddress): boolean => !/^(127\.|::1$)/.test(address);

/** Its share of the connections, where one without a weight has one. */
export const weightOf = ({ weight = 1 }: EndpointModel): number => weight;
