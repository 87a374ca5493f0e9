import type { Family, IpAddress } from '@podwire/base';
import type { IpvsServiceKey } from '@podwire/kernel/genetlink';
import type { EndpointModel, ServiceModel } from '../model.ts';
import { type EntryKey, SCRATCH } from './layout.ts';
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

export const isCaptureMark = (mark: number): boolean => mark > SCRATCH && mark <= SCRATCH + 0xffff;

/** `number`: of the mark it is known by; absent: it has the entry's own address. */
export function virtualServer(
  entry: EntryKey,
  endpoints: readonly EndpointModel[],
  {
    service,
    scheduling,
    mark,
  }: { readonly service: ServiceModel; readonly scheduling: Scheduling; readonly mark?: Mark },
): VirtualServer {
  const [address, protocol, port] = entry;
  const key: IpvsServiceKey = mark ? { fwmark: mark.value, family: mark.family } : { protocol, address, port };
  const { affinitySeconds } = service;
  return {
    id: serverId(key),
    key,
    entry,
    options: { ...scheduling, ...(affinitySeconds > 0 && { persistence: affinitySeconds }) },
    destinations: endpoints.map((one) => ({ address: one.address, port: one.port, weight: one.weight ?? 1 })),
  };
}

export interface Mark {
  readonly value: number;
  readonly family: Family;
}
