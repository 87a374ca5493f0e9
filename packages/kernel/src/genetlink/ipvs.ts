import { familyOf, type IpAddress } from '@podwire/base';
import { encodeError, isErrno } from '../errors.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { openGenericFamily } from './generic-family.ts';
import {
  type destinationAttributes,
  IPVS_CMD,
  ipvsAttributes,
  ipvsInfoAttributes,
  type serviceAttributes,
} from './ipvs-table.ts';

/** IPVS, the kernel's load balancer, by generic netlink; ipvsadm(8). Every function wants a socket of the protocol `generic`. */

export type IpvsProtocol = 'tcp' | 'udp' | 'sctp';

/** What a virtual service is known by: address, protocol and port, or the mark of its packets. */
export type IpvsServiceKey =
  | { readonly protocol: IpvsProtocol; readonly address: IpAddress; readonly port: number }
  | { readonly fwmark: number; readonly family: 'ipv4' | 'ipv6' };

export interface IpvsServiceOptions {
  /** `rr`, `wrr`, `lc`, `wlc`, `sh`, `mh` ... The kernel loads the module ip_vs_NAME. */
  readonly scheduler: string;
  /** A client stays with its destination for so many seconds ... */
  readonly persistence?: number;
  /** ... and with it all clients that have so many bits of their address in common; default: all bits. */
  readonly netmask?: number;
  /** Every UDP packet is scheduled anew. */
  readonly onePacket?: boolean;
  /** What they mean is the scheduler's: 1 is fallback and 2 is port of `sh` and `mh`. */
  readonly schedulerFlags?: readonly (1 | 2 | 3)[];
  /** `sip`. */
  readonly persistenceEngine?: string;
}

export type IpvsServiceSpec = IpvsServiceKey & IpvsServiceOptions;

/** How a connection's packets reach the destination. */
export type IpvsMethod = 'masquerade' | 'tunnel' | 'direct';

export interface IpvsDestinationKey {
  readonly address: IpAddress;
  /** 0 for services known by a mark: the packet's own. */
  readonly port: number;
}

export interface IpvsDestinationSpec extends IpvsDestinationKey {
  readonly method?: IpvsMethod;
  /** 0: no new connections; default 1. */
  readonly weight?: number;
  /** Above so many connections it gets no new ones, until there are fewer than the lower; 0: no limit. */
  readonly upperThreshold?: number;
  readonly lowerThreshold?: number;
  /** Of the method `tunnel`. */
  readonly tunnel?: { readonly type: 'ipip' | 'gue' | 'gre'; readonly port?: number };
}

/** Counters since the beginning or since they were set to zero; rates are per second. */
export interface IpvsStats {
  readonly connections: bigint;
  readonly packetsIn: bigint;
  readonly packetsOut: bigint;
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
}

export type IpvsService = IpvsServiceSpec & { readonly stats: IpvsStats };
export type IpvsDestination = Required<Omit<IpvsDestinationSpec, 'tunnel' | 'method'>> &
  Pick<IpvsDestinationSpec, 'tunnel'> & {
    readonly method: IpvsMethod | 'local' | 'bypass' | number;
    readonly activeConnections: number;
    readonly inactiveConnections: number;
    readonly persistentConnections: number;
    readonly stats: IpvsStats;
  };

/** Seconds after which an idle connection is forgotten. */
export interface IpvsTimeouts {
  readonly tcp: number;
  readonly tcpFin: number;
  readonly udp: number;
}

type ServiceWire = AttributesOf<typeof serviceAttributes.rows>;
type DestinationWire = AttributesOf<typeof destinationAttributes.rows>;
type IpvsWire = AttributesOf<typeof ipvsAttributes.rows>;

function run(netlink: Netlink<'generic'>, command: keyof typeof IPVS_CMD, values: IpvsWire, op: string): IpvsWire[] {
  const request = { command: IPVS_CMD[command], table: ipvsAttributes, values, op };
  return openGenericFamily(netlink, 'IPVS').request(request);
}

function list(
  netlink: Netlink<'generic'>,
  command: 'GET_SERVICE' | 'GET_DEST',
  values: IpvsWire,
  op: string,
): IpvsWire[] {
  const request = { command: IPVS_CMD[command], table: ipvsAttributes, values, op };
  return openGenericFamily(netlink, 'IPVS').dump(request);
}

/** EEXIST: the service is there already; ENOENT: no such scheduler. */
export function createIpvsService(netlink: Netlink<'generic'>, service: IpvsServiceSpec): void {
  run(netlink, 'NEW_SERVICE', { service: serviceToWire(service) }, `create service ${nameOf(service)}`);
}

/** Changes scheduler, flags and persistence; connections stay. ESRCH: there is no such service. */
export function updateIpvsService(netlink: Netlink<'generic'>, service: IpvsServiceSpec): void {
  run(netlink, 'SET_SERVICE', { service: serviceToWire(service) }, `update service ${nameOf(service)}`);
}

export function deleteIpvsService(netlink: Netlink<'generic'>, key: IpvsServiceKey): void {
  run(netlink, 'DEL_SERVICE', { service: keyToWire(key) }, `delete service ${nameOf(key)}`);
}

export function listIpvsServices(netlink: Netlink<'generic'>): IpvsService[] {
  return list(netlink, 'GET_SERVICE', {}, 'list services').flatMap(({ service }) =>
    service ? [serviceFromWire(service)] : [],
  );
}

/** undefined: there is no such service. */
export function getIpvsService(netlink: Netlink<'generic'>, key: IpvsServiceKey): IpvsService | undefined {
  try {
    const [answer] = run(netlink, 'GET_SERVICE', { service: keyToWire(key) }, `get service ${nameOf(key)}`);
    return answer?.service && serviceFromWire(answer.service);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}

/** EEXIST: the service has it already; ESRCH: there is no such service. */
export function createIpvsDestination(
  netlink: Netlink<'generic'>,
  key: IpvsServiceKey,
  spec: IpvsDestinationSpec,
): void {
  const values = { service: keyToWire(key), destination: destinationToWire(spec) };
  run(netlink, 'NEW_DEST', values, `create destination ${spec.address}:${spec.port} of ${nameOf(key)}`);
}

/** Changes method, weight and thresholds. ENOENT: the service has no such destination. */
export function updateIpvsDestination(
  netlink: Netlink<'generic'>,
  key: IpvsServiceKey,
  spec: IpvsDestinationSpec,
): void {
  const values = { service: keyToWire(key), destination: destinationToWire(spec) };
  run(netlink, 'SET_DEST', values, `update destination ${spec.address}:${spec.port} of ${nameOf(key)}`);
}

export function deleteIpvsDestination(
  netlink: Netlink<'generic'>,
  key: IpvsServiceKey,
  destination: IpvsDestinationKey,
): void {
  const { address, port } = destination;
  const values = { service: keyToWire(key), destination: { family: familyOf(address), address, port } };
  run(netlink, 'DEL_DEST', values, `delete destination ${address}:${port} of ${nameOf(key)}`);
}

export function listIpvsDestinations(netlink: Netlink<'generic'>, key: IpvsServiceKey): IpvsDestination[] {
  const service = keyToWire(key);
  const answers = list(netlink, 'GET_DEST', { service }, `list destinations of ${nameOf(key)}`);
  return answers.flatMap(({ destination }) => (destination ? [destinationFromWire(destination)] : []));
}

/** Removes every service of the netns. */
export function flushIpvs(netlink: Netlink<'generic'>): void {
  run(netlink, 'FLUSH', {}, 'flush services');
}

/** Sets the counters to zero, of one service or of all. */
export function zeroIpvsStats(netlink: Netlink<'generic'>, key?: IpvsServiceKey): void {
  run(netlink, 'ZERO', key ? { service: keyToWire(key) } : {}, 'zero counters');
}

export function getIpvsTimeouts(netlink: Netlink<'generic'>): IpvsTimeouts {
  const [wire = {}] = run(netlink, 'GET_CONFIG', {}, 'get timeouts');
  return { tcp: wire.tcpTimeout ?? 0, tcpFin: wire.tcpFinTimeout ?? 0, udp: wire.udpTimeout ?? 0 };
}

export function setIpvsTimeouts(netlink: Netlink<'generic'>, { tcp, tcpFin, udp }: Partial<IpvsTimeouts>): void {
  const values = { tcpTimeout: tcp, tcpFinTimeout: tcpFin, udpTimeout: udp };
  run(netlink, 'SET_CONFIG', values, 'set timeouts');
}

/** The version as `1.2.1` and the number of buckets for connections. */
export function getIpvsInfo(netlink: Netlink<'generic'>): { readonly version: string; readonly tableSize: number } {
  const request = { command: IPVS_CMD.GET_INFO, table: ipvsInfoAttributes, values: {}, op: 'get IPVS info' };
  const [{ version = 0, tableSize = 0 } = {}] = openGenericFamily(netlink, 'IPVS').request(request);
  return { version: `${(version >> 16) & 0xff}.${(version >> 8) & 0xff}.${version & 0xff}`, tableSize };
}

function nameOf(key: IpvsServiceKey): string {
  return 'fwmark' in key ? `fwmark ${key.fwmark} ${key.family}` : `${key.protocol} ${key.address} port ${key.port}`;
}

function keyToWire(key: IpvsServiceKey): ServiceWire {
  if ('fwmark' in key) return { family: key.family, fwmark: key.fwmark };
  const { protocol, address, port } = key;
  return { family: familyOf(address), protocol, address, port };
}

const ALL_FLAGS = 0xffffffff;

function serviceToWire(service: IpvsServiceSpec): ServiceWire {
  const { scheduler, persistence, onePacket, schedulerFlags = [], persistenceEngine } = service;
  const key = keyToWire(service);
  if (persistence !== undefined && persistence < 1)
    throw encodeError(`persistence of ${persistence} s; at least 1 is needed`);
  const flags = [
    ...(persistence === undefined ? [] : (['persistent'] as const)),
    ...(onePacket ? (['onePacket'] as const) : []),
    ...schedulerFlags.map((flag) => `sched${flag}` as const),
  ];
  return {
    ...key,
    scheduler,
    flags: { flags, mask: ALL_FLAGS },
    timeout: persistence ?? 0,
    netmask: service.netmask ?? (key.family === 'ipv6' ? 128 : 32),
    persistenceEngine,
  };
}

function serviceFromWire(wire: ServiceWire): IpvsService {
  const flags = wire.flags?.flags ?? [];
  const schedulerFlags = ([1, 2, 3] as const).filter((flag) => flags.includes(`sched${flag}`));
  return {
    ...keyFromWire(wire),
    scheduler: wire.scheduler ?? '',
    ...(flags.includes('persistent') && { persistence: wire.timeout ?? 0, netmask: wire.netmask ?? 0 }),
    ...(flags.includes('onePacket') && { onePacket: true }),
    ...(schedulerFlags.length > 0 && { schedulerFlags }),
    ...(wire.persistenceEngine !== undefined && { persistenceEngine: wire.persistenceEngine }),
    stats: statsFromWire(wire),
  };
}

function keyFromWire({ family, fwmark, protocol, address, port = 0 }: ServiceWire): IpvsServiceKey {
  if (fwmark !== undefined) return { fwmark, family: family === 'ipv6' ? 'ipv6' : 'ipv4' };
  return { protocol: protocol as IpvsProtocol, address: address as IpAddress, port };
}

function destinationToWire(spec: IpvsDestinationSpec): DestinationWire {
  const { address, port, method = 'masquerade', weight = 1, upperThreshold = 0, lowerThreshold = 0, tunnel } = spec;
  return {
    family: familyOf(address),
    address,
    port,
    method,
    weight,
    upperThreshold,
    lowerThreshold,
    ...(tunnel && { tunnelType: tunnel.type, tunnelPort: tunnel.port ?? 0, tunnelFlags: 0 }),
  };
}

function destinationFromWire(wire: DestinationWire): IpvsDestination {
  const { method = 'masquerade', tunnelType, tunnelPort = 0 } = wire;
  const tunnel =
    method === 'tunnel' && typeof tunnelType === 'string' ? { type: tunnelType, port: tunnelPort } : undefined;
  return {
    address: wire.address as IpAddress,
    port: wire.port ?? 0,
    method,
    weight: wire.weight ?? 0,
    upperThreshold: wire.upperThreshold ?? 0,
    lowerThreshold: wire.lowerThreshold ?? 0,
    ...(tunnel && { tunnel }),
    activeConnections: wire.activeConnections ?? 0,
    inactiveConnections: wire.inactiveConnections ?? 0,
    persistentConnections: wire.persistentConnections ?? 0,
    stats: statsFromWire(wire),
  };
}

/** Kernels before 4.1 have the 32-bit ones alone. */
function statsFromWire({ stats64, stats = {} }: Pick<ServiceWire, 'stats' | 'stats64'>): IpvsStats {
  const { connections = 0, packetsIn = 0, packetsOut = 0, bytesIn = 0, bytesOut = 0 } = stats64 ?? stats;
  return {
    connections: BigInt(connections),
    packetsIn: BigInt(packetsIn),
    packetsOut: BigInt(packetsOut),
    bytesIn: BigInt(bytesIn),
    bytesOut: BigInt(bytesOut),
  };
}
