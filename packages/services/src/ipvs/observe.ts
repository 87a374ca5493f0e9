import type { Family } from '@podwire/base';
import type { Netlink } from '@podwire/kernel';
import {
  type IpvsServiceKey,
  type IpvsServiceOptions,
  listIpvsDestinations,
  listIpvsServices,
} from '@podwire/kernel/genetlink';
import type { PlanEntry } from '@podwire/kube';
import type { Nft, SetElement, Table } from '@podwire/nft';
import { endpointName, isOf } from '../model.ts';
import type { IpvsKernel } from './ipvs-kernel.ts';
import { DRAINING, type EntryKey, TABLES } from './layout.ts';
import { type Destination, OWN_FLAG, type ServerOptions, serverId, type VirtualServer } from './virtual-server.ts';

/** A virtual server as the kernel has it. */
export interface ObservedServer {
  readonly id: string;
  readonly key: IpvsServiceKey;
  readonly options: IpvsServiceOptions;
  readonly destinations: readonly ObservedDestination[];
}

export interface ObservedDestination extends Destination {
  /** Packets get there by having their address replaced. */
  readonly translated: boolean;
  /** It has connections, if only such as are about to end. */
  readonly busy: boolean;
  /** Some of them are established, by the kernel's own count. */
  readonly established: boolean;
}

/** The virtual servers of the netns whose key is accepted. */
export function observeServers(
  netlink: Netlink<'generic'>,
  accept: (server: FoundServer) => boolean = () => true,
): ObservedServer[] {
  return listIpvsServices(netlink)
    .filter(accept)
    .map((service) => ({
      id: serverId(service),
      key: service,
      options: withoutOwnFlag(service),
      destinations: observeDestinations(netlink, service),
    }));
}

/** What the kernel says of a virtual server, whoever made it. */
export type FoundServer = IpvsServiceKey & IpvsServiceOptions;

export const hasOwnFlag = ({ schedulerFlags = [] }: FoundServer): boolean => schedulerFlags.includes(OWN_FLAG);

function withoutOwnFlag({ schedulerFlags = [], ...options }: FoundServer): IpvsServiceOptions {
  const others = schedulerFlags.filter((flag) => flag !== OWN_FLAG);
  return others.length > 0 ? { ...options, schedulerFlags: others } : options;
}

export function observeDestinations(netlink: Netlink<'generic'>, key: IpvsServiceKey): ObservedDestination[] {
  return listIpvsDestinations(netlink, key).map(
    ({ address, port, weight, method, activeConnections, inactiveConnections }) => ({
      address,
      port,
      weight,
      translated: method === 'masquerade' || method === 'local',
      busy: activeConnections + inactiveConnections > 0,
      established: activeConnections > 0,
    }),
  );
}

/** What is not said of an observed server is as the kernel has it by default. */
export function sameOptions(observed: IpvsServiceOptions, desired: ServerOptions): boolean {
  const { scheduler, persistence, netmask, onePacket = false, schedulerFlags = [], persistenceEngine } = observed;
  return (
    scheduler === desired.scheduler &&
    persistence === desired.persistence &&
    schedulerFlags.join() === (desired.schedulerFlags ?? []).join() &&
    !onePacket &&
    persistenceEngine === undefined &&
    (netmask === undefined || netmask === 32 || netmask === 128)
  );
}

export const familyOfKey = (key: IpvsServiceKey): Family =>
  'fwmark' in key ? key.family : isOf(key.address, 'ipv4') ? 'ipv4' : 'ipv6';

/** What a table of before says of virtual servers. */
export interface ObservedEntries {
  readonly draining: readonly EntryKey[];
  /** Marks of virtual servers for clients inside, by entry. */
  readonly marks: readonly (readonly [key: EntryKey, mark: number])[];
}

export function observeEntries(nft: Nft, family: Family): ObservedEntries {
  const table = nft.observe(TABLES[family].family, TABLES[family].name);
  const elements = (set: string): readonly SetElement[] => table?.sets.find(({ name }) => name === set)?.elements ?? [];
  const keys = (set: string): EntryKey[] => elements(set).map(({ key }) => entryKey(key));
  return {
    draining: keys(DRAINING),
    marks: elements('inside').flatMap(({ key, data }) =>
      Array.isArray(data) ? [[entryKey(key), Number(data[0])]] : [],
    ),
  };
}

function entryKey([address, protocol, port]: SetElement['key']): EntryKey {
  return [address, protocol, Number(port)] as unknown as EntryKey;
}

/** Where the kernel is not as it should be; empty when in step. Destinations of weight 0 wait for their last connection. */
export function observeDrift({ nft, servers: { netlink }, routing }: IpvsKernel, desired: InForce): PlanEntry[] {
  const observed = new Map(observeServers(netlink).map((server) => [server.id, server]));
  const lines = [
    ...routing.drift(desired.families),
    ...desired.tables.flatMap((table) => nft.drift(table).map(({ text }) => text)),
    ...desired.servers.flatMap((server) => serverDrift(server, observed.get(server.id))),
  ];
  return lines.map((what) => ({ what, why: 'the kernel is not as the services room wrote it' }));
}

/** What was written. */
interface InForce {
  readonly families: readonly Family[];
  readonly tables: readonly Table[];
  readonly servers: readonly VirtualServer[];
}

function serverDrift({ id, options, destinations }: VirtualServer, observed: ObservedServer | undefined): string[] {
  if (!observed) return [`add virtual server ${id}`];
  const present = new Map(observed.destinations.map((one) => [endpointName(one), one]));
  const lines = sameOptions(observed.options, options) ? [] : [`change virtual server ${id}: ${options.scheduler}`];
  for (const wanted of destinations) {
    const name = endpointName(wanted);
    const there = present.get(name);
    present.delete(name);
    if (there?.weight !== wanted.weight || !there.translated)
      lines.push(`${there ? 'change' : 'add'} destination ${name} of ${id}: weight ${wanted.weight}`);
  }
  for (const [name, { weight }] of present) if (weight > 0) lines.push(`delete destination ${name} of ${id}`);
  return lines;
}
