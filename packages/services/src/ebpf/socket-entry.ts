import { familyOf, type IpAddress } from '@podwire/base';
import type { Claim } from '../claims.ts';
import { type AddressKind, describeEntry, type Entry, portEntries, reachable, served } from '../entry.ts';
import {
  allowedSources,
  type EndpointModel,
  endpointName,
  type NodeModel,
  type Protocol,
  type ServiceModel,
} from '../model.ts';
import type { SocketBalance } from './layout.ts';

/** One address, protocol and port of a service, and what sockets of the node and its pods get when they ask for it. */
export interface SocketEntry {
  /** `10.96.0.1 tcp 80` */
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
 * What an entry of a service contends for, as every mode settles it: also one that sockets can do nothing with keeps its
 * address from all others.
 */
export class SocketClaim implements Claim {
  readonly #entry: Entry;

  constructor(entry: Entry) {
    this.#entry = entry;
  }

  get id(): string {
    return this.#entry.id;
  }

  get service(): string {
    return this.#entry.service;
  }

  get kind(): AddressKind {
    return this.#entry.kind;
  }

  get protocol(): Protocol {
    return this.#entry.protocol;
  }

  get endpoints(): readonly string[] {
    return reachable(this.#entry).map(endpointName);
  }

  describe(): { readonly what: string; readonly why: string } {
    return { what: describeEntry(this.#entry), why: this.#entry.why };
  }

  get socketEntry(): SocketEntry | undefined {
    return socketEntry(this.#entry);
  }
}

/** All a service claims, in both families. */
export function socketClaims(service: ServiceModel, node: NodeModel): SocketClaim[] {
  return service.ports.flatMap((port) =>
    FAMILIES.flatMap((family) => portEntries(service, port, { node, family, loopback: true })).map(
      (entry) => new SocketClaim(entry),
    ),
  );
}

const FAMILIES = ['ipv4', 'ipv6'] as const;

/**
 * What sockets can do of an entry. Not theirs, and so left to the rules for packets: SCTP (it has no such hook), what is
 * dropped in silence, and load-balancer addresses that not everyone may use.
 */
function socketEntry(entry: Entry): SocketEntry | undefined {
  const { id, kind, address, port, protocol, target, inside = target } = entry;
  const { service, port: model } = entry.source;
  if (protocol === 'sctp' || inside.kind === 'drop') return undefined;
  if (kind === 'load-balancer IP' && allowedSources(service, familyOf(address))) return undefined;
  const { affinitySeconds } = service;
  const common = { service: entry.service, portName: model.name, affinitySeconds, balance: balanceOf(service) };
  return { id, kind, address, protocol, port, endpoints: served(inside), ...common };
}

/** A source hash and Maglev are the same here: the hash is that of the client. */
export function balanceOf({ balance }: ServiceModel): SocketBalance {
  if (balance === 'maglev' || balance === 'source-hash') return 'maglev';
  return balance === 'round-robin' || balance === 'least-connections' ? balance : 'random';
}
