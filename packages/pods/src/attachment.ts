import { createHash } from 'node:crypto';
import type { IpAddress } from '@podwire/base';
import { ipBytes, tryParseIp } from '@podwire/base';
import type { ClusterConfig } from '@podwire/kube';
import type { HostPort } from './host-port.ts';

export type Wiring = ClusterConfig['wiring'];

/** Which pod an attachment belongs to, as K8S_POD_... of CNI_ARGS says; absent when a runtime without pods called. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** One interface of one container: the unit of ADD and DEL, of the store and of the kernel state. */
export interface Attachment {
  readonly containerId: string;
  readonly ifName: string;
  /** Name of the CNI network. */
  readonly network: string;
  /** Empty when adopted from the kernel without a record. */
  readonly netnsPath: string;
  readonly address: IpAddress;
  readonly mac: string;
  readonly mtu: number;
  readonly wiring: Wiring;
  /** Name of the host end. */
  readonly hostLink: string;
  readonly hostPorts: readonly HostPort[];
  readonly pod?: PodIdentity;
}

/** Prefix of every host end. */
export const POD_LINK_PREFIX = 'pwp';

/** The host end's name follows from the attachment alone, so that DEL finds it without any record. */
export function hostLinkName(containerId: string, ifName: string): string {
  const hash = createHash('sha256').update(`${containerId}/${ifName}`).digest('hex');
  return `${POD_LINK_PREFIX}${hash.slice(0, 11)}`;
}

/** A locally administered MAC made of the address: a reused address keeps its MAC, so no neighbour cache goes stale. */
export function podMac(address: IpAddress): string {
  return ['0a', '58', ...Array.from(ipBytes(address), (byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

export function attachmentKey(a: Pick<Attachment, 'containerId' | 'ifName'>): string {
  return `${a.containerId}/${a.ifName}`;
}

const ALIAS = /^podwire pod ([a-zA-Z0-9_.-]+) (\S+) (\S+) (\S+)$/;

/** What the host end's alias says, so that a process without a record knows the attachment. Fits into IFALIASZ (256). */
export function formatAlias(a: Attachment): string {
  return `podwire pod ${a.containerId} ${a.ifName} ${a.address} ${a.network}`;
}

export function parseAlias(
  text: string,
): Pick<Attachment, 'containerId' | 'ifName' | 'address' | 'network'> | undefined {
  const [, containerId, ifName, addressText = '', network] = ALIAS.exec(text) ?? [];
  const address = tryParseIp(addressText);
  return containerId && ifName && network && address ? { containerId, ifName, address, network } : undefined;
}
