import { ConnectionTable, describeConnection, settle, type Tracked, translateSide } from './connection-table.ts';
import { isIpv6 } from './header-bytes.ts';
import { baseChains, type HookChain, Walk } from './interpret.ts';
import type { Hook, Table } from './model.ts';
import { RulesetState } from './ruleset-state.ts';
import type { Interpretation, InterpretOptions, VirtualPacket } from './virtual-packet.ts';

/** Where the routing table sends a packet. */
export type VirtualRoute =
  | { readonly kind: 'local' }
  | { readonly kind: 'link'; readonly name: string }
  | { readonly kind: 'unreachable' };

/** What the namespace is besides its rules; all of it is asked anew for every packet. */
export interface VirtualHostOptions
  extends Pick<InterpretOptions, 'choose' | 'fib' | 'linkIndex' | 'route' | 'socket' | 'listens'> {
  /** Every table, in the order in which chains of equal priority run (the kernel runs the last made first). */
  readonly tables: readonly Table[];
  readonly routeTo: (packet: VirtualPacket) => VirtualRoute;
  /** The address that masquerade and redirect take from a link. */
  readonly linkAddress?: (link: string, family: 'ip' | 'ip6') => string | undefined;
  /** Seconds, for limits and for elements that expire; without it time stands still. */
  readonly clock?: () => number;
}

/** What became of a packet, and why. */
export interface Passage {
  /** proxied: tproxy gave it to a local socket; unreachable: no rule stopped it, but there is no route. */
  readonly outcome: 'delivered' | 'forwarded' | 'sent' | 'proxied' | 'dropped' | 'rejected' | 'unreachable';
  /** As it was last seen: with its translations and marks. */
  readonly packet: VirtualPacket;
  /** Every hook it came through, in order. */
  readonly steps: readonly PassageStep[];
  /** What the outcome depends on and nobody said; empty: the outcome is certain. */
  readonly cannotTell: readonly string[];
}

export interface PassageStep extends Interpretation {
  readonly hook: Hook;
}

/** Priority of connection tracking in prerouting and output (NF_IP_PRI_CONNTRACK). */
const TRACKING = -200;
/** Priorities of translation, wherever its chains stand (NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC). */
const TRANSLATION = { destination: -100, source: 100 } as const;

/**
 * A network namespace on paper: packets go through all its tables, hook by hook, and it remembers connections, limits and
 * dynamic elements as the kernel does.
 *
 *              ┌ ingress ▸ prerouting ▸ route ┬▸ input ▸ delivered
 *   receive ───┘   raw ▸ tracking ▸ dstnat    └▸ forward ┐
 *                                                        ├▸ postrouting ▸ egress ▸ forwarded, sent
 *   send ────────────────────────▸ output ▸ route ───────┘    srcnat ▸ confirmed
 */
export class VirtualHost {
  readonly state: RulesetState;
  readonly #options: VirtualHostOptions;
  readonly #connections = new ConnectionTable();

  constructor(options: VirtualHostOptions) {
    this.#options = options;
    this.state = new RulesetState(options.clock);
  }

  /** A packet comes in by `packet.iifname`. */
  receive(packet: VirtualPacket): Passage {
    const journey = new Journey(this.#options, this.state, this.#connections);
    return journey.receive(packet);
  }

  /** A process of the namespace sends a packet. */
  send(packet: VirtualPacket): Passage {
    const journey = new Journey(this.#options, this.state, this.#connections);
    return journey.send(packet);
  }
}

class Journey {
  readonly #options: VirtualHostOptions;
  readonly #state: RulesetState;
  readonly #connections: ConnectionTable;
  readonly #steps: PassageStep[] = [];
  readonly #cannotTell = new Set<string>();
  #packet: VirtualPacket = { saddr: '', daddr: '', protocol: 0 };
  #tracked: Tracked | undefined;

  constructor(options: VirtualHostOptions, state: RulesetState, connections: ConnectionTable) {
    this.#options = options;
    this.#state = state;
    this.#connections = connections;
  }

  receive(packet: VirtualPacket): Passage {
    const { oifname: _, ct: __, ...rest } = packet;
    this.#packet = { ...rest, ct: { state: 'invalid' } };
    const stopped = this.#hook('ingress') ?? this.#hook('prerouting');
    if (stopped) return stopped;
    if (this.#steps.some(({ proxy }) => proxy)) return this.#hook('input') ?? this.#arrived('proxied');
    const route = this.#options.routeTo(this.#packet);
    if (route.kind === 'unreachable') return this.#end('unreachable');
    if (route.kind === 'local') return this.#hook('input') ?? this.#arrived('delivered');
    this.#packet = { ...this.#packet, oifname: route.name };
    return this.#hook('forward') ?? this.#leave('forwarded');
  }

  send(packet: VirtualPacket): Passage {
    const { iifname: _, ct: __, ...rest } = packet;
    this.#packet = { ...rest, ...this.#wayOut(rest), ct: { state: 'invalid' } };
    const stopped = this.#hook('output');
    if (stopped) return stopped;
    const route = this.#options.routeTo(this.#packet);
    if (route.kind === 'unreachable') return this.#end('unreachable');
    this.#packet = { ...this.#packet, ...this.#wayOut(this.#packet) };
    return this.#leave('sent');
  }

  #wayOut(packet: VirtualPacket): { oifname: string } {
    const route = this.#options.routeTo(packet);
    return { oifname: route.kind === 'link' ? route.name : 'lo' };
  }

  #leave(outcome: 'forwarded' | 'sent'): Passage {
    return this.#hook('postrouting') ?? this.#confirm() ?? this.#hook('egress') ?? this.#end(outcome);
  }

  #arrived(outcome: 'delivered' | 'proxied'): Passage {
    this.#confirm();
    return this.#end(outcome);
  }

  #confirm(): undefined {
    const connection = this.#tracked?.connection;
    if (!connection || this.#tracked?.state === 'related') return;
    if (!this.#connections.confirm(connection))
      this.#cannotTell.add('another connection has the same answers, so the kernel takes another port');
  }

  #end(outcome: Passage['outcome']): Passage {
    for (const { cannotTell = [] } of this.#steps) for (const what of cannotTell) this.#cannotTell.add(what);
    return { outcome, packet: this.#packet, steps: this.#steps, cannotTell: [...this.#cannotTell] };
  }

  /** Runs the chains of a hook with what the kernel does between them; a passage when the packet ends there. */
  #hook(hook: Hook): Passage | undefined {
    const chains = baseChains(this.#options.tables, this.#packet, { hook });
    const plain = chains.filter(({ base }) => base.type !== 'nat');
    const side = hook === 'prerouting' || hook === 'output' ? 'destination' : 'source';
    const translates = ['prerouting', 'input', 'output', 'postrouting'].includes(hook);
    const middle = translates ? TRANSLATION[side] : Number.POSITIVE_INFINITY;
    const tracks = hook === 'prerouting' || hook === 'output';
    const first = tracks ? TRACKING : Number.NEGATIVE_INFINITY;
    const walk = new Walk(this.#packet, this.#interpretOptions(hook));
    const between = (low: number, high: number) => plain.filter(({ base: { priority: p } }) => p >= low && p < high);
    let verdict = walk.through(between(Number.NEGATIVE_INFINITY, first));
    if (verdict === 'accept' && tracks) this.#track(walk);
    if (verdict === 'accept') verdict = walk.through(between(first, middle));
    if (verdict === 'accept' && translates)
      verdict = this.#translate(
        walk,
        side,
        chains.filter(({ base }) => base.type === 'nat'),
      );
    if (verdict === 'accept') verdict = walk.through(between(middle, Number.POSITIVE_INFINITY));
    return this.#step(hook, walk.result(verdict));
  }

  #step(hook: Hook, result: Interpretation): Passage | undefined {
    this.#packet = result.packet;
    const connection = this.#tracked?.connection;
    if (connection && result.packet.ct?.mark !== undefined) connection.mark = result.packet.ct.mark;
    this.#steps.push({ hook, ...result });
    if (result.verdict === 'accept') return undefined;
    return this.#end(result.verdict === 'drop' ? 'dropped' : 'rejected');
  }

  #track(walk: Walk): void {
    if (walk.packet.ct?.state === 'untracked') return;
    this.#tracked = this.#connections.track(walk.packet);
    walk.packet = { ...walk.packet, ct: describeConnection(this.#tracked) };
  }

  /** The first packet asks the nat chains; every packet is then changed as its connection says. */
  #translate(walk: Walk, side: 'source' | 'destination', chains: readonly HookChain[]): Interpretation['verdict'] {
    const tracked = this.#tracked;
    const connection = tracked?.connection;
    if (!tracked || !connection) return 'accept';
    if (tracked.state === 'new' && !connection.settled.has(side)) {
      const verdict = walk.through(chains);
      if (verdict !== 'accept') return verdict;
      settle(connection, side, walk.packet);
    } else walk.packet = translateSide(walk.packet, tracked, side);
    walk.packet = { ...walk.packet, ct: { ...walk.packet.ct, status: [...connection.status] } };
    return 'accept';
  }

  #interpretOptions(hook: Hook): InterpretOptions {
    const { choose, fib, linkIndex, route, socket, listens } = this.#options;
    const interfaceAddress = this.#interfaceAddress(hook);
    return {
      hook,
      state: this.#state,
      ...(choose && { choose }),
      ...(fib && { fib }),
      ...(linkIndex && { linkIndex }),
      ...(route && { route }),
      ...(socket && { socket }),
      ...(listens && { listens }),
      ...(interfaceAddress !== undefined && { interfaceAddress }),
    };
  }

  /** masquerade: of the link it leaves by; redirect: of the link it came in by, or loopback. */
  #interfaceAddress(hook: Hook): string | undefined {
    const family = isIpv6(this.#packet) ? 'ip6' : 'ip';
    if (hook === 'output') return family === 'ip' ? '127.0.0.1' : '::1';
    const link = hook === 'prerouting' ? this.#packet.iifname : this.#packet.oifname;
    return link === undefined ? undefined : this.#options.linkAddress?.(link, family);
  }
}
