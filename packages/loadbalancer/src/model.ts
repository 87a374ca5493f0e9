import type { IpAddress, Prefix } from '@podwire/base';
import type { AddressRequest } from './address-request.ts';

/** What the allocator of the cluster decides upon. */
export interface AllocationModel {
  readonly pools: readonly Prefix[];
  readonly services: readonly Claimant[];
}

/** A Service of type LoadBalancer that is ours. */
export interface Claimant {
  /** namespace/name */
  readonly service: string;
  /** RFC 3339; who came first keeps a disputed address. */
  readonly created: string;
  readonly request: AddressRequest;
  /** What its status says, or what was just written there. */
  readonly current?: IpAddress;
}

/** What one node's announcer decides upon. */
export interface AnnouncementModel {
  readonly nodeName: string;
  /** Ready and not excluded. */
  readonly nodes: readonly string[];
  readonly addresses: readonly AnnouncedAddress[];
}

export interface AnnouncedAddress {
  readonly address: IpAddress;
  readonly service: string;
  /** With externalTrafficPolicy Local: the nodes with a ready endpoint; absent: any node will do. */
  readonly onlyNodes?: readonly string[];
}
