import type { IpAddress, Prefix } from '@podwire/base';

/** The settings all rooms of a cluster share. Parsed and checked by parseClusterConfig. */
export interface ClusterConfig {
  /** One per family; every pod address is in one of them. */
  readonly podCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  readonly clusterDomain: string;
  /** The tenth address of the first service CIDR unless set. */
  readonly dnsAddress: IpAddress;
  /** Resolvers for names outside the cluster; empty: /etc/resolv.conf of the node. */
  readonly upstreamResolvers: readonly IpAddress[];
  readonly backend: 'host-gw' | 'vxlan';
  readonly wiring: 'ptp' | 'bridge';
  readonly proxyMode: 'nftables';
  /** Masquerade is skipped towards these, besides pods and nodes. */
  readonly nonMasqueradeCidrs: readonly Prefix[];
  /** Address ranges for Services of type LoadBalancer. */
  readonly loadBalancerPools: readonly Prefix[];
  readonly nodePortRange: readonly [first: number, last: number];
  /** Port of the ingress proxy on every node. */
  readonly ingressHttpPort: number;
  readonly ingressHttpsPort: number;
}
