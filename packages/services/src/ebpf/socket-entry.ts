import type { IpAddress } from '@podwire/base';
import type { AddressKind } from '../entry.ts';
import {
  allowedSources,
  type EndpointModel,
  type NodeModel,
  type ServiceModel,
  type ServicePortModel,
} from '../model.ts';
import { type PortTargets, portTargets, type Target } from '../target.ts';
import type { SocketBalance } from './layout.ts';

/** One address, protocol and port of a service, and what sockets of the node and its pods get when they ask for it. */
export interface SocketEntry {
  /** `10.96.0.1 tcp 80`: of all entries with the same one only the first takes effect. */
  readonly id: string;
  readonly service: string;
  readonly kind: AddressKind;
  readonly address: IpAddress;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly portName: string;
  /** Empty: refused. */
  readonly endpoints: readonly EndpointModel[];
  readonly affinitySeconds: number;
  readonly balance: SocketBalance;
}

/**
 * What sockets can do of a service. Not theirs, and so left to the rules for packets: SCTP (it has no such hook), what is
 * dropped in silence, and load-balancer addresses that not everyone may use.
 */
export function socketEntries(service: ServiceModel, node: NodeModel): SocketEntry[] {
  const entries: SocketEntry[] = [];
  const name = `${service.namespace}/${service.name}`;
  const balance = balanceOf(service);
  for (const port of service.ports) {
    const { protocol } = port;
    if (protocol === 'sctp') continue;
    const targets = targetsOf(service, port, node);
    const add = (kind: AddressKind, addresses: readonly IpAddress[], number: number): void => {
      for (const address of addresses) {
        const endpoints = targets(address, kind);
        if (!endpoints) continue;
        const id = `${address} ${protocol} ${number}`;
        const { affinitySeconds } = service;
        const common = { service: name, portName: port.name, affinitySeconds, balance };
        entries.push({ id, kind, address, protocol, port: number, endpoints, ...common });
      }
    };
    add('cluster IP', service.clusterAddresses, port.port);
    if (port.nodePort) add('node port', node.nodePortAddresses, port.nodePort);
    add('load-balancer IP', service.loadBalancerAddresses, port.port);
    add('external IP', service.externalAddresses, port.port);
  }
  return entries;
}

/** The endpoints behind an address: none if it is refused, undefined if it is not for sockets. */
function targetsOf(service: ServiceModel, port: ServicePortModel, node: NodeModel) {
  const known: { ipv4?: PortTargets; ipv6?: PortTargets } = {};
  return (address: IpAddress, kind: AddressKind): readonly EndpointModel[] | undefined => {
    const family = address.includes(':') ? 'ipv6' : 'ipv4';
    if (kind === 'load-balancer IP' && allowedSources(service, family)) return undefined;
    known[family] ??= portTargets(service, port, { node, family });
    const { internal, external, inside = external } = known[family];
    return endpointsOf(kind === 'cluster IP' ? internal : inside);
  };
}

function endpointsOf(target: Target): readonly EndpointModel[] | undefined {
  if (target.kind === 'serve') return target.endpoints;
  return target.kind === 'reject' ? [] : undefined;
}

/** A source hash and Maglev are the same here: the hash is that of the client. */
export function balanceOf({ balance }: ServiceModel): SocketBalance {
  if (balance === 'maglev' || balance === 'source-hash') return 'maglev';
  return balance === 'round-robin' || balance === 'least-connections' ? balance : 'random';
}
