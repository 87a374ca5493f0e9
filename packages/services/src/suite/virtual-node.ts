import { FakeInformers } from '@podwire/kube/testing';
import { type Choose, type Passage, VirtualHost, type VirtualPacket, type VirtualRoute } from '@podwire/nft';
import { plan } from '../nftables/plan.ts';
import { modelFromApi } from '../snapshot.ts';
import {
  ADDRESS,
  ADDRESS6,
  type Answer,
  CLUSTER_RANGES,
  CROWD,
  NODE,
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

/**
 * The node of the world on paper: the plan of mode nftables, and packets of the places around it.
 *
 *   Service, EndpointSlice ─▶ model ─▶ plan ─▶ tables ─▶ VirtualHost ─▶ where the first packet gets to ─▶ Fate
 */
export class VirtualNode {
  readonly informers = new FakeInformers();
  #tables: ReturnType<typeof plan>['tables'] = [];

  /** Plans what the informers have now. */
  plan(): void {
    const model = modelFromApi({
      services: this.informers.of('Service').list(),
      slices: this.informers.of('EndpointSlice').list(),
      node: NODE,
      nodeName: NODE.metadata?.name ?? '',
      ...CLUSTER_RANGES,
    });
    this.#tables = plan(model).tables;
  }

  /** A node without memory, whose draws are `choose`'s; what it is asked it remembers. */
  host(choose: Choose): VirtualHost {
    return new VirtualHost({
      tables: this.#tables,
      choose,
      routeTo: ({ daddr }) => routeTo(daddr),
      linkAddress: (link, family) => LINK_ADDRESSES[family][link],
      fib: ({ flags }, { saddr, daddr }) => (isOwn(flags.includes('saddr') ? saddr : daddr) ? 'local' : 'unicast'),
    });
  }
}

/** The first packet of a connection. */
export function connect(
  host: VirtualHost,
  { from, to: [daddr, dport], protocol = 'tcp', sport }: Pick<Probe, 'from' | 'to' | 'protocol'> & { sport: number },
): Fate {
  const v6 = daddr.includes(':');
  const packet = { daddr, dport, sport, protocol, ...(protocol === 'tcp' && { tcpFlags: ['syn'] }) };
  if (from === 'node') return fateOf(host.send({ ...packet, saddr: sourceOf(daddr) }), protocol);
  const saddr = (v6 ? ADDRESS6 : ADDRESS)[from];
  return fateOf(host.receive({ ...packet, saddr, iifname: linkTo(from) }), protocol);
}

function fateOf({ outcome, packet, cannotTell, steps }: Passage, protocol: Protocol): Fate {
  if (cannotTell.length) throw new Error(`the interpreter cannot tell: ${cannotTell.join('; ')}`);
  if (outcome === 'rejected') {
    const answer = steps.at(-1)?.rejection;
    const isRefusal = answer?.protocol === 'tcp' ? protocol === 'tcp' : answer?.name === 'port-unreachable';
    if (!isRefusal) throw new Error(`rejected by ${JSON.stringify(answer)}`);
    return { fails: 'refused' };
  }
  if (outcome === 'dropped' || outcome === 'unreachable') return { fails: 'silence' };
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
  const isOther = daddr === OTHER_PROXY.ipv4 || daddr === OTHER_PROXY.ipv6;
  if (isOther && protocol === 'tcp' && dport === 80) return { server: 'other', source: saddr };
  return { fails: place || isOwn(daddr) ? 'refused' : 'silence' };
}

const OWN = [ADDRESS.node, ADDRESS6.node, UPLINK.ipv4, UPLINK.ipv6, OTHER_PROXY.ipv4, OTHER_PROXY.ipv6];
const isOwn = (address: string): boolean => OWN.includes(address) || /^(127\.|::1$)/.test(address);

const linkTo = (place: Place): string =>
  place === 'far' || place === 'distant' ? 'eth0' : place === 'outside' ? 'uplink' : place;

function routeTo(address: string): VirtualRoute {
  if (isOwn(address)) return { kind: 'local' };
  const pod = (['client', 'near1', 'near2'] as const).find((one) => [ADDRESS[one], ADDRESS6[one]].includes(address));
  const isFar = /^(10\.244\.|172\.30\.0\.|fd00:244:|fd00:30::)/.test(address);
  return { kind: 'link', name: pod ?? (isFar ? 'eth0' : 'uplink') };
}

/** Links of pods have none. */
const LINK_ADDRESSES: Readonly<Record<'ip' | 'ip6', Readonly<Record<string, string>>>> = {
  ip: { eth0: ADDRESS.node, uplink: UPLINK.ipv4, lo: ADDRESS.node },
  ip6: { eth0: ADDRESS6.node, uplink: UPLINK.ipv6, lo: ADDRESS6.node },
};

/** The source the node takes for a destination, before anything is translated. */
function sourceOf(daddr: string): string {
  const family = daddr.includes(':') ? 'ip6' : 'ip';
  if (isOwn(daddr)) return daddr;
  const route = routeTo(daddr);
  return LINK_ADDRESSES[family][route.kind === 'link' ? route.name : 'lo'] ?? LINK_ADDRESSES[family].eth0 ?? '';
}
