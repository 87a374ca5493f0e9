import type { Ipv4, Prefix } from '@podwire/base';

/**
 * What the service proxy of one node knows, in its own words. Kubernetes types stop at model-from-api.ts.
 *
 *   ServicesModel ── ServiceModel ── ServicePortModel ── EndpointModel
 *                └── NodeModel (the node the rules are for)
 */
export interface ServicesModel {
  readonly cluster: ClusterModel;
  readonly node: NodeModel;
  readonly services: readonly ServiceModel[];
  /** Cluster addresses that some other proxy serves (label service-proxy-name): neither balanced, refused nor dropped. */
  readonly foreignAddresses: readonly Ipv4[];
}

/** The same by name, as the room keeps it from change to change; keys are `namespace/name`. */
export interface ServicesView {
  readonly cluster: ClusterModel;
  readonly node: NodeModel;
  readonly services: ReadonlyMap<string, ServiceModel>;
  readonly foreign: ReadonlyMap<string, readonly Ipv4[]>;
}

export interface ClusterModel {
  readonly podCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
}

export interface NodeModel {
  readonly name: string;
  /** InternalIP; node ports exist only where it is known. */
  readonly address?: Ipv4;
  readonly podCidrs: readonly Prefix[];
}

export type Protocol = 'tcp' | 'udp' | 'sctp';

export interface ServiceModel {
  readonly namespace: string;
  readonly name: string;
  readonly clusterAddresses: readonly Ipv4[];
  readonly externalAddresses: readonly Ipv4[];
  /** Only those with ipMode VIP (SVC-12). */
  readonly loadBalancerAddresses: readonly Ipv4[];
  /** Who may use the load-balancer addresses (SVC-17), without overlaps; absent: everyone, empty: nobody. */
  readonly sourceRanges?: readonly Prefix[];
  /** Seconds a client stays with its endpoint; 0: no affinity. */
  readonly affinitySeconds: number;
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  readonly ports: readonly ServicePortModel[];
}

export interface ServicePortModel {
  /** Empty for an unnamed port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort?: number;
  /** In order of address and port, each pair once. */
  readonly endpoints: readonly EndpointModel[];
}

export interface EndpointModel {
  readonly address: Ipv4;
  readonly port: number;
  readonly ready: boolean;
  /** Serving while terminating: used when nothing is ready (SVC-3, KEP-1669). */
  readonly fallback: boolean;
  /** On the node the rules are for. */
  readonly local: boolean;
  /** Local, or the slice does not say where it is. */
  readonly maybeLocal: boolean;
}
