import type { FakeInformers } from '@podwire/kube/testing';
import { type Choose, type Passage, VirtualHost, type VirtualPacket, type VirtualRoute } from '@podwire/nft';
import { plan } from '../nftables/plan.ts';
import { modelFromApi } from '../snapshot.ts';
import {
  ADDRESS,
  ADDRESS6,
  type Answer,
  CLUSTER_RANGES,
  CROWD,
  NODES,
  OTHER_PROXY,
  type Place,
  SCTP_PORT,
  SERVERS,
  TCP_PORTS,
  UDP_PORT,
  UPLINK,
} from '../world.fixture.ts';
import type { Probe } from './probe.ts';

type Protocol = NonNullable<Probe['protocol']>;

/** What becomes of a connection: who answers it and which source it has there, or how it fails. */
export type Fate = Answer | { readonly fails: 'refused' | 'silence' };

type NodePlace = NonNullable<Probe['by']>;

/**
 * A node of the world on paper: the plan of mode nftables, and packets of the places around it.
 *
 *   Service, EndpointSlice ─▶ model ─▶ plan ─▶ tables ─▶ VirtualHost ─▶ where the first packet gets to ─▶ Fate
 */
export class VirtualNode {
  readonly place: NodePlace;
  readonly #informers: FakeInformers;
  #tables: ReturnType<typeof plan>['tables'] = [];

  constructor(place: NodePlace, informers: FakeInformers) {
    this.place = place;
    this.#informers = informers;
  }

  /** Plans what the informers have now. */
  plan(): void {
    const model = modelFromApi({
      services: this.#informers.of('Service').list(),
      imports: this.#informers.of('ServiceImport').list(),
      slices: this.#informers.of('EndpointSlice').list(),
      node: NODES[this.place],
      nodes: Object.values(NODES),
      nodeName: NODES[this.place].metadata?.name ?? '',
      ...CLUSTER_RANGES,
    });
    this.#tables = plan(model).tables;
  }

  /** One without memory, whose draws are `choose`'s; what it is asked it remembers, also when it is planned anew. */
  host(choose: Choose): VirtualHost {
    const { place } = this;
    const tables = () => this.#tables;
    return new VirtualHost({
      get tables() {
        return tables();
      },
      choose,
      routeTo: ({ daddr }) => routeTo(daddr, place),
      linkAddress: (link, family) => LINK_ADDRESSES[place][family][link],
      fib: ({ flags }, { saddr, daddr }) =>
        isOwn(flags.includes('saddr') ? saddr : daddr, place) ? 'local' : 'unicast',
    });
  }
}

/** The first packet of a connection, where it gets to the node that leads it to its endpoint. */
export function connect(host: VirtualHost, connection: Connection): Fate {
  const {
    from,
    to: [daddr, dport],
    protocol = 'tcp',
    sport,
    mark,
    by = 'node',
  } = connection;
  const flags = protocol === 'tcp' && { tcpFlags: ['syn'] };
  const packet = { daddr, dport, sport, protocol, ...flags, ...(mark !== undefined && { mark }) };
  const saddr = (daddr.includes(':') ? ADDRESS6 : ADDRESS)[from];
  // what the pods of node-2 send comes from its own namespace
  const isOwnProcess = from === by || (by === 'node2' && from === 'distant');
  if (!isOwnProcess) return fateOf(host.receive({ ...packet, saddr, iifname: linkTo(from, by) }), connection);
  return fateOf(host.send({ ...packet, saddr: from === by ? sourceOf(daddr, by) : saddr }), connection);
}

interface Connection extends Pick<Probe, 'from' | 'to' | 'protocol' | 'by'> {
  readonly sport: number;
  /** Somebody else's, with which the packet comes and has to go. */
  readonly mark?: number;
}

function fateOf({ outcome, packet, cannotTell, steps }: Passage, { protocol = 'tcp', mark = 0 }: Connection): Fate {
  if (cannotTell.length) throw new Error(`the interpreter cannot tell: ${cannotTell.join('; ')}`);
  if (outcome === 'rejected') {
    const answer = steps.at(-1)?.rejection;
    const isRefusal =
      answer?.protocol === 'tcp' ? protocol === 'tcp' : answer?.name === 'port-unreachable' && protocol !== 'tcp';
    if (!isRefusal) throw new Error(`rejected by ${JSON.stringify(answer)}`);
    return { fails: 'refused' };
  }
  if (outcome === 'dropped' || outcome === 'unreachable') return { fails: 'silence' };
  if ((packet.mark ?? 0) !== mark) throw new Error(`the packet had mark ${mark} and has ${packet.mark}`);
  return arrival(packet, protocol);
}

/** Who takes the packet where it has got to. */
function arrival({ saddr, daddr, dport }: VirtualPacket, protocol: Protocol): Fate {
  const place = SERVERS.find((one) => daddr === ADDRESS[one] || daddr === ADDRESS6[one]);
  if (place && protocol === 'tcp' && TCP_PORTS.some((port) => port === dport))
    return { server: `${place}:${dport}`, source: saddr };
  if (place && dport === { tcp: 0, udp: UDP_PORT, sctp: SCTP_PORT }[protocol]) return { server: place, source: saddr };
  if (/^(10\.244\.[4-7]\.|fd00:244:4::)/.test(daddr) && protocol === 'tcp' && dport === CROWD.port)
    return { server: `crowd/${daddr}`, source: saddr };
  const isOther = Object.values(OTHER_PROXY).some(({ ipv4, ipv6 }) => daddr === ipv4 || daddr === ipv6);
  if (isOther && protocol === 'tcp' && dport === 80) return { server: 'other', source: saddr };
  return { fails: place || isOwn(daddr, 'node') || isOwn(daddr, 'node2') ? 'refused' : 'silence' };
}

/** Addresses that are of the node, or in its namespace. */
const OWN: Readonly<Record<NodePlace, readonly string[]>> = {
  node: [ADDRESS.node, ADDRESS6.node, UPLINK.ipv4, UPLINK.ipv6, OTHER_PROXY.node.ipv4, OTHER_PROXY.node.ipv6],
  node2: (['node2', 'far', 'distant'] as const).flatMap((place) => [ADDRESS[place], ADDRESS6[place]]),
};
const isOwn = (address: string, place: NodePlace): boolean =>
  OWN[place].includes(address) || /^(127\.|::1$)/.test(address);

/** The link by which packets from a place come to a node. */
function linkTo(from: Place, by: NodePlace): string {
  if (by === 'node2' || from === 'far' || from === 'distant' || from === 'node2') return 'eth0';
  return from === 'outside' ? 'uplink' : from;
}

/** Everything but itself is beyond node-2's only link. */
function routeTo(address: string, place: NodePlace): VirtualRoute {
  if (isOwn(address, place)) return { kind: 'local' };
  const pod = (['client', 'near1', 'near2'] as const).find((one) => [ADDRESS[one], ADDRESS6[one]].includes(address));
  const isFar = /^(10\.244\.|172\.30\.0\.|fd00:244:|fd00:30::)/.test(address);
  if (place === 'node2') return { kind: 'link', name: 'eth0' };
  return { kind: 'link', name: pod ?? (isFar ? 'eth0' : 'uplink') };
}

type Addresses = Readonly<Record<'ip' | 'ip6', Readonly<Record<string, string>>>>;

/** Links of pods have none. */
const LINK_ADDRESSES: Readonly<Record<NodePlace, Addresses>> = {
  node: {
    ip: { eth0: ADDRESS.node, uplink: UPLINK.ipv4, lo: ADDRESS.node },
    ip6: { eth0: ADDRESS6.node, uplink: UPLINK.ipv6, lo: ADDRESS6.node },
  },
  node2: {
    ip: { eth0: ADDRESS.node2, lo: ADDRESS.node2 },
    ip6: { eth0: ADDRESS6.node2, lo: ADDRESS6.node2 },
  },
};

/** The source a node takes for a destination, before anything is translated. */
function sourceOf(daddr: string, place: NodePlace): string {
  if (isOwn(daddr, place)) return daddr;
  const route = routeTo(daddr, place);
  const links = LINK_ADDRESSES[place][daddr.includes(':') ? 'ip6' : 'ip'];
  return links[route.kind === 'link' ? route.name : 'lo'] ?? links.eth0 ?? '';
}
