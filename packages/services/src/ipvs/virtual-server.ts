import type { Family, IpAddress } from '@podwire/base';
import type { IpvsServiceKey } from '@podwire/kernel/genetlink';
import { fnv1a } from '../fnv.ts';
import type { EndpointModel, NodeModel, ServiceModel } from '../model.ts';
import { IPVS_MARK } from '../ruleset/ipvs-mark.ts';
import { type EntryKey, entryId } from './layout.ts';
import type { Scheduling } from './scheduler.ts';

/** What IPVS is to have for an entry: by its address and port, or by the mark of packets from inside. */
export interface VirtualServer {
  /** `10.96.0.1 tcp 80`, `mark 0xb5d20001 ipv4` */
  readonly id: string;
  readonly key: IpvsServiceKey;
  readonly entry: EntryKey;
  readonly options: ServerOptions;
  /** Each once. */
  readonly destinations: readonly Destination[];
}

export interface ServerOptions extends Scheduling {
  /** Seconds a client stays with its endpoint. */
  readonly persistence?: number;
}

export interface Destination {
  readonly address: IpAddress;
  readonly port: number;
  readonly weight: number;
}

export function serverId(key: IpvsServiceKey): string {
  if ('fwmark' in key) return `mark 0x${key.fwmark.toString(16)} ${key.family}`;
  return `${key.address} ${key.protocol} ${key.port}`;
}

/**
 * The mark of virtual servers of ours in the kernel: the flag for schedulers that none looks at (sh and mh have 1 and 2), so
 * that whoever finds one knows it as ours without a table that says so. `ipvsadm -S` shows it as flag-3.
 */
export const OWN_FLAG = 3;

export const isCaptureMark = (mark: number): boolean => mark > IPVS_MARK && mark <= IPVS_MARK + 0xffff;

/** What all virtual servers of a service have in common. */
export interface ServerBasis {
  readonly service: ServiceModel;
  readonly node: NodeModel;
  readonly scheduling: Scheduling;
}

/** `mark`: it is known by; absent: it has the entry's own address. */
export function virtualServer(
  entry: EntryKey,
  endpoints: readonly EndpointModel[],
  { service, node, scheduling, mark }: ServerBasis & { readonly mark?: Mark },
): VirtualServer {
  const [address, protocol, port] = entry;
  const key: IpvsServiceKey = mark ? { fwmark: mark.value, family: mark.family } : { protocol, address, port };
  const { affinitySeconds } = service;
  const destinations = endpoints.map((one) => ({ address: one.address, port: one.port, weight: one.weight ?? 1 }));
  return {
    id: serverId(key),
    key,
    entry,
    options: affinitySeconds > 0 ? stickyOptions(scheduling, affinitySeconds, mark) : scheduling,
    destinations: beginningAnywhere(destinations, `${node.name} ${entryId(entry)}`),
  };
}

/** By mark and with persistence, IPVS would send to the client's port of a destination: a hash of the client does as well. */
function stickyOptions(scheduling: Scheduling, persistence: number, mark: Mark | undefined): ServerOptions {
  return mark ? { scheduler: 'mh', schedulerFlags: [1] } : { ...scheduling, persistence };
}

export interface Mark {
  readonly value: number;
  readonly family: Family;
}

/** Who takes turns begins with the one that was written last: it is another one on each node and for each address. */
function beginningAnywhere<T>(list: readonly T[], name: string): readonly T[] {
  const start = list.length > 1 ? hashOf(name) % list.length : 0;
  return start === 0 ? list : [...list.slice(start), ...list.slice(0, start)];
}

/** FNV-1a. */
function hashOf(text: string): number {
  const hash = fnv1a(text);
  return (hash ^ (hash >>> 15)) >>> 0;
}
