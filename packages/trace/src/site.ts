import { type IpAddress, nthAddress, type Prefix } from '@podwire/base';
import type { ClusterConfig } from '@podwire/kube';

/** The network the nodes stand in, and the configuration they share; what a lab is made from has this shape. */
export interface Site {
  readonly cluster: ClusterConfig;
  /** Names and addresses for nodes that no Node object describes. */
  readonly nodes: readonly { readonly name: string; readonly address: IpAddress; readonly zone: string }[];
  /** The nodes' network; its first address is the router's. */
  readonly underlay: Prefix;
  /** A network behind the router, the only one it knows besides the nodes'. */
  readonly outside: Prefix;
}

/** Every node's link to the others. */
export const UPLINK = 'eth0';
export const UNDERLAY_MTU = 1500;
export const NODE_LOCAL_DNS = '169.254.20.10' as IpAddress;

export const routerOf = ({ underlay }: Site): IpAddress => nthAddress(underlay, 1);
export const outsideHostOf = ({ outside }: Site): IpAddress => nthAddress(outside, 10);
