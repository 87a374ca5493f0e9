import type { IpAddress } from '@podwire/base';
import { PodwireError, prefixContains } from '@podwire/base';
import type { Hook, Interpretation, VirtualPacket } from '@podwire/nft';
import { BRIDGE_LINK } from '@podwire/pods';
import type { ClusterView } from './cluster-view.ts';
import { type DirectNode, directNodes, turnOf, whyNotDirect } from './direct-step.ts';
import { describeHook, runHook, tableVerdicts } from './hook.ts';
import { listenerOn } from './listener.ts';
import { decisionIn, inMode, isBySocket, isRelayed, wayOf } from './mode-step.ts';
import type { NodeView } from './node-view.ts';
import { policyOpinion } from './policy-step.ts';
import { planReplies, type Translation } from './reply.ts';
import { type Hop, routeTo } from './route.ts';
import { describeMatch, type ServiceMatch, serviceAt, strayPort } from './service-step.ts';
import { UPLINK } from './site.ts';
import type { Protocol, Step, Verdict } from './step.ts';

/** Where a connection begins. */
export type Origin =
  | { readonly kind: 'pod'; readonly node: NodeView; readonly address: IpAddress; readonly name: string }
  | { readonly kind: 'node'; readonly node: NodeView; readonly name: string }
  | { readonly kind: 'outside'; readonly address: IpAddress; readonly name: string };

export interface Connecting {
  readonly origin: Origin;
  readonly destination: IpAddress;
  readonly protocol: Protocol;
  readonly port: number;
  /** The endpoint to follow: `address` or `address:port`; absent: the first. */
  readonly endpoint?: string | undefined;
}

export interface Walked {
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
}

const CLIENT_PORT = 40_000;
/** More nodes than a packet ever passes; a loop in the plans ends here. */
const MAX_NODES = 4;

/** Follows the first packet of a connection through the plans of every node it passes. */
export function walk(cluster: ClusterView, connecting: Connecting): Walked {
  return new Walk(cluster, connecting).run();
}

type Entry = 'prerouting' | 'output';

class Walk {
  readonly #cluster: ClusterView;
  readonly #connecting: Connecting;
  readonly #steps: Step[] = [];
  readonly #passed: NodeView[] = [];
  readonly #translations: Translation[] = [];
  /** What the Services of the node the packet is on have to do with it. */
  #service: string | undefined;
  /** The node that handed the packet over to the one it is on. */
  #handedBy: string | undefined;
  /** Endpoints that a relay of the node may connect to, first choice first; empty where packets go on themselves. */
  #relayed: readonly VirtualPacket[] = [];

  constructor(cluster: ClusterView, connecting: Connecting) {
    this.#cluster = cluster;
    this.#connecting = connecting;
  }

  get #mode() {
    return this.#cluster.site.cluster.proxyMode;
  }

  run(): Walked {
    return { verdict: this.#start(), steps: this.#steps };
  }

  #start(): Verdict {
    const { origin, destination, protocol, port } = this.#connecting;
    const packet = { daddr: destination, protocol, sport: CLIENT_PORT, dport: port };
    if (origin.kind === 'outside') return this.#fromOutside({ ...packet, saddr: origin.address });
    const { node } = origin;
    if (origin.kind === 'node') {
      const hop = routeTo(this.#cluster, node, destination);
      const saddr = hop.kind === 'local' ? destination : (hop.linkAddress ?? node.address ?? '0.0.0.0');
      return this.#enter(node, 'output', { ...packet, saddr });
    }
    if (destination === origin.address)
      return {
        kind: 'delivered',
        where: `pod ${origin.name}`,
        reason: 'it is its own address, reached inside the pod',
      };
    const attachment = node.attachments.get(origin.address);
    if (!attachment) throw new PodwireError('TRACE_NO_POD', `pod ${origin.name} has no attachment on ${node.name}`);
    const iifname = attachment.wiring === 'ptp' ? attachment.hostLink : BRIDGE_LINK;
    this.#add(
      `pod ${origin.name}`,
      'packet',
      `${origin.address} -> ${destination} ${protocol} ${port}, by eth0 to ${node.name}`,
    );
    return this.#enter(node, 'prerouting', { ...packet, saddr: origin.address, iifname, etherSource: attachment.mac });
  }

  #fromOutside(packet: VirtualPacket): Verdict {
    const { origin } = this.#connecting;
    this.#add(
      origin.name,
      'packet',
      `${packet.saddr} -> ${packet.daddr} ${packet.protocol} ${packet.dport}, by the router`,
    );
    const node = this.#cluster.nodeAt(packet.daddr);
    if (node) return this.#enter(node, 'prerouting', { ...packet, iifname: UPLINK });
    const reason = `the router has no route to ${packet.daddr}: from outside only the nodes' network can be reached`;
    return { kind: 'unreachable', where: 'router', reason };
  }

  #enter(node: NodeView, entry: Entry, packet: VirtualPacket): Verdict {
    if (this.#passed.push(node) > MAX_NODES)
      return {
        kind: 'dropped',
        where: node.name,
        reason: `the packet goes in circles: ${this.#passed.map((n) => n.name).join(', ')}`,
      };
    const { saddr, daddr, protocol, dport } = packet;
    const original = { saddr, daddr, protocol, ...(dport !== undefined && { dport }) };
    const tracked: VirtualPacket = { ...packet, ct: { state: 'new', original } };
    const entered = this.#translate(node, entry, tracked);
    const [copy] = entered.copies ?? [];
    const peer = copy?.to && this.#cluster.nodeAt(copy.to);
    if (copy && peer) return this.#handOver(node, peer, copy.packet);
    if (entered.verdict !== 'accept') return this.#stopped(node, entered);
    if (this.#relayed.length > 0) return this.#relay(node, tracked, this.#relayed);
    const now = entered.packet;
    const translated: VirtualPacket =
      entered.translation === 'dnat' ? { ...now, ct: { ...now.ct, status: ['dnat'] } } : now;
    const hop = routeTo(this.#cluster, node, translated.daddr);
    return entry === 'output' ? this.#leave(node, translated, hop) : this.#filter(node, translated, hop);
  }

  /** Direct server return: another node gets the packet as it is, and answers past this one. */
  #handOver(node: NodeView, peer: NodeView, { mark: _, ct: __, ...packet }: VirtualPacket): Verdict {
    this.#add(node.name, 'route', `handed over as it is to ${peer.name} (${peer.address}), whose turn it is`);
    this.#handedBy = node.name;
    return this.#enter(peer, 'prerouting', { ...packet, iifname: UPLINK });
  }

  /** The hook where Services and host ports replace the destination. */
  #translate(node: NodeView, hook: Entry, packet: VirtualPacket): Interpretation {
    const slots = this.#slots(node, hook, packet);
    const { daddr: address, dport: port = 0 } = packet;
    const match = serviceAt(node, { address, protocol: String(packet.protocol), port });
    const eligible = [...new Set(slots.filter(({ translation }) => translation === 'dnat').map(endpointOf))];
    const drawn = match && hook === 'prerouting' ? this.#drawn(node, match, { packet, slots }) : [];
    const chosen = this.#choose(slots, drawn);
    const service = match
      ? describeMatch(this.#cluster, match, { eligible, drawn, handedBy: this.#handedBy })
      : strayPort(node, address, `${port}/${packet.protocol}`);
    this.#service = service;
    if (service !== undefined) this.#add(node.name, 'service', service);
    if (drawn.length > 1 && this.#connecting.endpoint === undefined)
      this.#add(
        node.name,
        'note',
        `followed is a connection for which it names ${turnOf(this.#cluster, node, chosen)}`,
      );
    const fromOutside = hook === 'prerouting' && !this.#isPod(packet.saddr);
    const undone = match && fromOutside ? whyNotDirect(node, this.#mode, match) : undefined;
    if (undone !== undefined) this.#add(node.name, 'note', undone);
    const inside = hook === 'output' || node.attachments.has(packet.saddr);
    const balanced = slots.filter(({ translation }) => translation === 'dnat');
    const isFree = this.#connecting.endpoint === undefined;
    this.#relayed =
      match && isRelayed(this.#mode)
        ? (isFree ? balanced : balanced.filter((one) => one === chosen)).map((one) => one.packet)
        : [];
    const bySocket = match !== undefined && inside && isBySocket(this.#mode, match);
    const way = eligible.length > 0 && match ? wayOf(this.#mode, bySocket) : undefined;
    if (way !== undefined) this.#add(node.name, 'service', way);
    this.#rules(node, hook, chosen);
    if (chosen.translation && !bySocket)
      this.#translations.push({ node: node.name, before: packet, after: chosen.packet });
    return chosen;
  }

  /** The nodes that direct server return draws from for the packet; none where it goes on the ordinary way. */
  #drawn(
    node: NodeView,
    match: ServiceMatch,
    { packet, slots }: { readonly packet: VirtualPacket; readonly slots: readonly Interpretation[] },
  ): DirectNode[] {
    const isServed = slots.some(({ translation, copies = [] }) => translation === 'dnat' || copies.length > 0);
    if (!isServed || this.#handedBy !== undefined || this.#isPod(packet.saddr)) return [];
    return directNodes(node, this.#mode, match);
  }

  #isPod(address: string): boolean {
    return this.#cluster.site.cluster.podCidrs.some((range) => prefixContains(range, address as IpAddress));
  }

  /** The client's connection ends at a socket of the node, which tries one endpoint after the other. */
  #relay(node: NodeView, { dport: _, ...client }: VirtualPacket, endpoints: readonly VirtualPacket[]): Verdict {
    const own = { kind: 'local', link: 'lo', what: `node ${node.name}`, text: 'the relay' } as const;
    const taken = { ...client, daddr: node.address ?? '0.0.0.0' };
    const received = runHook(node, 'input', taken);
    this.#rules(node, 'input', received);
    const denial = this.#policies(node, taken, own, received);
    if (received.verdict !== 'accept') return this.#stopped(node, received, denial);
    const before = [...this.#passed];
    for (const [i, endpoint] of endpoints.entries()) {
      this.#passed.splice(0, Number.POSITIVE_INFINITY, ...before);
      const verdict = this.#connect(node, endpoint);
      const isPassedOver = verdict.kind === 'refused' || (verdict.kind === 'dropped' && client.protocol === 'tcp');
      if (!isPassedOver || i === endpoints.length - 1) return verdict;
      this.#add(
        node.name,
        'note',
        `${verdict.kind} (${verdict.where}: ${verdict.reason}): the agent tries the next endpoint`,
      );
    }
    throw new Error('a relay has an endpoint at least');
  }

  /** The relay's own connection. */
  #connect(node: NodeView, { daddr, dport, protocol }: VirtualPacket): Verdict {
    const hop = routeTo(this.#cluster, node, daddr);
    const saddr = (this.#isPod(daddr) ? node.address : hop.linkAddress) ?? node.address ?? '0.0.0.0';
    this.#add(node.name, 'packet', `${saddr} -> ${daddr} ${protocol} ${dport}, by the agent`);
    const packet = { saddr, daddr, protocol, sport: CLIENT_PORT, ...(dport !== undefined && { dport }) };
    const tracked: VirtualPacket = { ...packet, ct: { state: 'new', original: packet } };
    const sent = runHook(node, 'output', tracked);
    this.#rules(node, 'output', sent);
    return sent.verdict === 'accept' ? this.#leave(node, tracked, hop) : this.#stopped(node, sent);
  }

  /** The hook once for every endpoint that the rules may draw. */
  #slots(node: NodeView, hook: Entry, packet: VirtualPacket): Interpretation[] {
    let count = 1;
    const draw = (slot: number) =>
      runHook(node, hook, packet, {
        choose: (of) => {
          count = Math.max(count, of);
          return slot % of;
        },
      });
    const first = draw(0);
    return [first, ...Array.from({ length: count - 1 }, (_, i) => draw(i + 1))];
  }

  #choose(slots: readonly Interpretation[], drawn: readonly DirectNode[]): Interpretation {
    const [first] = slots;
    const { endpoint } = this.#connecting;
    if (!first || endpoint === undefined) return first as Interpretation;
    const place = this.#cluster.podAt(endpoint.split(':')[0] ?? '')?.spec?.nodeName;
    const wanted =
      slots.find((slot) => slot.translation === 'dnat' && [endpointOf(slot), slot.packet.daddr].includes(endpoint)) ??
      slots.find(({ copies = [] }) => copies.some(({ to = '' }) => this.#cluster.nodeAt(to)?.name === place));
    if (wanted ?? (first.translation !== 'dnat' && drawn.length === 0)) return wanted ?? first;
    const others = drawn.flatMap(({ endpoints }) => endpoints.map(({ address, port }) => `${address}:${port}`));
    const own = slots.filter(({ translation }) => translation === 'dnat').map(endpointOf);
    const known = [...new Set([...own, ...others])].join(', ');
    throw new PodwireError(
      'TRACE_NO_ENDPOINT',
      `${endpoint} is no endpoint this connection can reach; it can reach ${known}`,
    );
  }

  /** forward or input: Services refuse, policies judge. */
  #filter(node: NodeView, packet: VirtualPacket, hop: Hop): Verdict {
    const hook = hop.kind === 'local' ? 'input' : 'forward';
    const filtered = runHook(node, hook, { ...packet, ...(hook === 'forward' && { oifname: hop.link }) });
    this.#rules(node, hook, filtered);
    const byPolicy = deciderOf(filtered) === 'podwire-policy' || filtered.verdict === 'accept';
    const denial = byPolicy ? this.#policies(node, packet, hop, filtered) : undefined;
    if (filtered.verdict !== 'accept') return this.#stopped(node, filtered, denial);
    return hop.kind === 'local' ? this.#deliverLocal(node, packet, hop) : this.#leave(node, filtered.packet, hop);
  }

  /** Adds what the policies say of the ends on this node; the first denial is returned. */
  #policies(node: NodeView, packet: VirtualPacket, hop: Hop, { verdict }: Interpretation): string | undefined {
    const { saddr, daddr, protocol, dport } = packet;
    const connection = {
      ...{ source: saddr as IpAddress, destination: daddr as IpAddress, protocol: protocol as Protocol },
      ...(dport !== undefined && { port: dport }),
    };
    const directions = [
      ...(node.attachments.has(saddr) ? (['egress'] as const) : []),
      ...(hop.kind === 'pod' ? (['ingress'] as const) : []),
    ];
    const opinions = directions.map((direction) => policyOpinion(this.#cluster, node.policy, connection, direction));
    for (const { text } of opinions) this.#add(node.name, 'policy', text);
    const denial = opinions.find(({ allowed }) => !allowed)?.text;
    if ((denial === undefined) !== (verdict === 'accept'))
      this.#add(
        node.name,
        'note',
        `the rules (${verdict}) and the policies differ: this is a fault of podwire, please report it`,
      );
    return denial;
  }

  #leave(node: NodeView, packet: VirtualPacket, hop: Hop): Verdict {
    const oifname = hop.link;
    const address = hop.linkAddress && { linkAddress: hop.linkAddress };
    const out = runHook(node, 'postrouting', { ...packet, oifname }, { ...address });
    this.#rules(node, 'postrouting', out);
    if (out.verdict !== 'accept') return this.#stopped(node, out);
    if (out.translation) this.#translations.push({ node: node.name, before: packet, after: out.packet });
    if (hop.kind === 'local') return this.#deliverLocal(node, out.packet, hop);
    this.#add(node.name, 'route', hop.text);
    return this.#arrive(node, out.packet, hop);
  }

  #arrive(node: NodeView, packet: VirtualPacket, hop: Exclude<Hop, { kind: 'local' }>): Verdict {
    const { saddr, daddr, protocol, dport } = packet;
    switch (hop.kind) {
      case 'nowhere':
        return { kind: 'unreachable', where: node.name, reason: hop.reason };
      case 'host':
        return this.#deliver(packet, daddr, `${hop.what} receives ${protocol} ${dport} from ${saddr}`);
      case 'pod':
        return this.#deliverPod(packet);
      case 'node': {
        if (hop.tunnel) this.#add(node.name, 'tunnel', hop.tunnel);
        const next: VirtualPacket = {
          saddr,
          daddr,
          protocol,
          sport: CLIENT_PORT,
          ...(dport !== undefined && { dport }),
        };
        return this.#enter(hop.node, 'prerouting', { ...next, iifname: hop.link });
      }
    }
  }

  #deliverPod(packet: VirtualPacket): Verdict {
    const { saddr, daddr, protocol, dport } = packet;
    const pod = this.#cluster.podAt(daddr);
    const declared = (pod?.spec?.containers ?? []).flatMap(({ ports }) => ports ?? []);
    const listens = declared.some(
      (one) => one.containerPort === dport && (one.protocol ?? 'TCP').toLowerCase() === protocol,
    );
    const name = this.#cluster.nameOf(daddr);
    if (declared.length > 0 && !listens) this.#silence(`pod ${name}`, packet);
    return this.#deliver(packet, `pod ${name}`, `${daddr} receives ${protocol} ${dport} from ${saddr}`);
  }

  #deliverLocal(node: NodeView, packet: VirtualPacket, hop: Extract<Hop, { kind: 'local' }>): Verdict {
    const { saddr, protocol, dport } = packet;
    const who = listenerOn(this.#cluster, node, packet);
    const isOwn = packet.daddr === node.address;
    const stray = who === undefined && !isOwn ? strayPort(node, packet.daddr, `${dport}/${protocol}`) : undefined;
    if (stray !== undefined) {
      const reason = `${stray}; nobody is known to listen there on ${node.name}`;
      return { kind: 'refused', where: node.name, reason };
    }
    if (who === undefined) this.#silence(node.name, packet);
    return this.#deliver(packet, node.name, `${who ?? hop.what} receives ${protocol} ${dport} from ${saddr}`);
  }

  #silence(where: string, { protocol, dport }: VirtualPacket): void {
    this.#add(where, 'note', `nobody is known to listen on ${protocol} ${dport}: where nobody does, it is refused`);
  }

  /** A packet whose replies do not come back is as good as lost. */
  #deliver(arrived: VirtualPacket, where: string, reason: string): Verdict {
    const [last] = this.#passed.slice(-1);
    const facts = { passed: this.#passed, translations: this.#translations, arrived };
    const { text, lost } = planReplies(this.#cluster, facts);
    if (last) this.#add(last.name, 'reply', text);
    return lost === undefined
      ? { kind: 'delivered', where, reason }
      : { kind: 'dropped', where, reason: `${reason}, but ${lost}` };
  }

  #rules(node: NodeView, hook: Hook, result: Interpretation): void {
    const tables = tableVerdicts(node, hook, result).map((one) => inMode(this.#mode, one));
    const text = describeHook(hook, tables, result.packet);
    this.#steps.push({ where: node.name, kind: 'rules', text, hook, tables });
  }

  #stopped(node: NodeView, { verdict, decidedBy }: Interpretation, why?: string): Verdict {
    const rule = decidedBy && 'rule' in decidedBy ? decidedBy.rule : undefined;
    const by = rule ? decisionIn(this.#mode, rule) : 'a chain policy';
    const service = rule?.table === 'podwire-services' ? this.#service : undefined;
    const reason = why ?? service ?? by;
    return { kind: verdict === 'reject' ? 'refused' : 'dropped', where: node.name, reason };
  }

  #add(where: string, kind: Step['kind'], text: string): void {
    this.#steps.push({ where, kind, text });
  }
}

const endpointOf = ({ packet }: Interpretation): string => `${packet.daddr}:${packet.dport}`;
const deciderOf = ({ decidedBy }: Interpretation): string | undefined =>
  decidedBy && 'rule' in decidedBy ? decidedBy.rule.table : undefined;
