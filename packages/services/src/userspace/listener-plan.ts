import type { IpAddress } from '@podwire/base';
import type { Balance, EndpointModel } from '../model.ts';

export type RelayedProtocol = 'tcp' | 'udp';

/** A socket of the node at which captured connections arrive, and where they are relayed to. */
export interface ListenerPlan {
  /** `namespace/name tcp 80 internal 172.30.0.11`: names it from change to change. */
  readonly id: string;
  readonly protocol: RelayedProtocol;
  /** The node's own; the port is the kernel's choice. */
  readonly address: IpAddress;
  /** At least one. */
  readonly endpoints: readonly EndpointModel[];
  /** 0: none. */
  readonly affinitySeconds: number;
  /** Absent: in turn. */
  readonly balance?: Balance;
}

/** Where a listener is; undefined when there is no such listener. */
export type PortOf = (id: string) => number | undefined;

/** `namespace/name` */
export const serviceOfListener = (id: string): string => id.slice(0, id.indexOf(' '));
