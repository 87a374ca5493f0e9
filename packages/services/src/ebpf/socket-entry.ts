import type { IpAddress } from '@podwire/base';
import {
  allowedSources,
  type EndpointModel,
  type NodeModel,
  type ServiceModel,
  type ServicePortModel,
} from '../model.ts';
import { ADDRESS_KINDS } from '../nftables/service-plan.ts';
import { portTargets, type Target } from '../target.ts';
import type { SocketBalance } from './layout.ts';

type AddressKind = (typeof ADDRESS_KINDS)[number];

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
  return service.ports.flatMap((port) =>
    addressesOf(service, port, node).flatMap(({ kind, address, number }) => {
      const family = address.includes(':') ? 'ipv6' : 'ipv4';
      if (port.protocol === 'sctp') return [];
      if (kind === 'load-balancer IP' && allowedSources(service, family)) return [];
      const { internal, external, inside = external } = portTargets(service, port, { node, family });
      const endpoints = endpointsOf(kind === 'cluster IP' ? internal : inside);
      if (!endpoints) return [];
      const { protocol, name } = port;
      return [
        {
          ...{ kind, address, protocol, portName: name },
          port: number,
          endpoints,
          ...howOf(service, address, number, protocol),
        },
      ];
    }),
  );
}

function howOf(service: ServiceModel, address: IpAddress, port: number, protocol: string) {
  return {
    id: `${address} ${protocol} ${port}`,
    service: `${service.namespace}/${service.name}`,
    affinitySeconds: service.affinitySeconds,
    balance: balanceOf(service),
  };
}

function addressesOf(service: ServiceModel, port: ServicePortModel, node: NodeModel) {
  const each = (kind: AddressKind, addresses: readonly IpAddress[], number: number) =>
    addresses.map((address) => ({ kind, address, number }));
  return [
    ...each('cluster IP', service.clusterAddresses, port.port),
    ...(port.nodePort ? each('node port', node.nodePortAddresses, port.nodePort) : []),
    ...each('load-balancer IP', service.loadBalancerAddresses, port.port),
    ...each('external IP', service.externalAddresses, port.port),
  ];
}

function endpointsOf(target: Target): readonly EndpointModel[] | undefined {
  if (target.kind === 'serve') return target.endpoints;
  return target.kind === 'reject' ? [] : undefined;
}

/** A source hash and Maglev are the same here: the hash is that of the client. */
function balanceOf({ balance }: ServiceModel): SocketBalance {
  if (balance === 'maglev' || balance === 'source-hash') return 'maglev';
  return balance === 'round-robin' ? 'round-robin' : 'random';
}

/** Who comes first takes the address: by kind, then by name of the service. */
export function compareEntries(a: SocketEntry, b: SocketEntry): number {
  const kinds = ADDRESS_KINDS.indexOf(a.kind) - ADDRESS_KINDS.indexOf(b.kind);
  return kinds || (a.service < b.service ? -1 : a.service > b.service ? 1 : 0);
}
