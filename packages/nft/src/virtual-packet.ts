import type { FibResult, Hook, RtKey, SetElement, SocketKey, TableFamily } from './model.ts';
import type { RejectAnswer } from './reject-code.ts';
import type { RulesetState } from './ruleset-state.ts';

/** A packet that exists only in the interpreter. Addresses and names as in the model's values. */
export interface VirtualPacket {
  readonly saddr: string;
  readonly daddr: string;
  /** tcp, udp, sctp, icmp, icmpv6 or a number. */
  readonly protocol: string | number;
  readonly sport?: number;
  readonly dport?: number;
  readonly iifname?: string;
  readonly oifname?: string;
  readonly mark?: number;
  readonly tcpFlags?: readonly string[];
  readonly icmpType?: string | number;
  readonly icmpCode?: number;
  readonly icmpId?: number;
  readonly icmpSequence?: number;
  /** The packet an ICMP error is about, as whoever answers saw it. */
  readonly about?: VirtualPacket;
  readonly dscp?: number;
  readonly ttl?: number;
  readonly length?: number;
  readonly etherSource?: string;
  readonly etherDestination?: string;
  readonly skuid?: number;
  readonly skgid?: number;
  /** Default host. */
  readonly packetType?: 'host' | 'broadcast' | 'multicast' | 'other';
  readonly priority?: number;
  readonly ct?: VirtualConnection;
}

export interface VirtualConnection {
  /** Default new. Only the first packet of a connection passes through nat chains. */
  readonly state?: 'new' | 'established' | 'related' | 'invalid' | 'untracked';
  readonly status?: readonly string[];
  readonly mark?: number;
  readonly direction?: 'original' | 'reply';
  /** The tuple before NAT; default: as the packet is when it enters the hook. */
  readonly original?: {
    readonly saddr: string;
    readonly daddr: string;
    readonly protocol: string | number;
    readonly sport?: number;
    readonly dport?: number;
  };
}

export interface InterpretOptions {
  readonly hook: Hook;
  /** Draws for numgen, jhash and symhash, 0 to modulus - 1; default 0. */
  readonly choose?: (modulus: number) => number;
  /** Answers of the routing table; undefined: none. Default: every address is unicast and no route is known. */
  readonly fib?: (
    query: { readonly flags: readonly string[]; readonly result: FibResult },
    packet: VirtualPacket,
  ) => string | number | undefined;
  /** Index of a link; without it only that of lo is known. */
  readonly linkIndex?: (name: string) => number | undefined;
  /** What `rt` reads of the packet's route. */
  readonly route?: (key: RtKey, packet: VirtualPacket) => string | number | undefined;
  /** What `socket` reads of the local socket the packet belongs to; undefined: there is none. */
  readonly socket?: (key: SocketKey, packet: VirtualPacket) => string | number | undefined;
  /** Whether a local socket listens there, for tproxy; without it every one does. */
  readonly listens?: (protocol: string | number, address: string | undefined, port: number) => boolean;
  /** Limits, quotas, counters and dynamic sets that go on from packet to packet; without it no limit is ever reached. */
  readonly state?: RulesetState;
  /** Elements that rules have added to dynamic sets so far. */
  readonly dynamicElements?: (table: string, set: string) => readonly SetElement[];
  /** The address that masquerade and redirect would take from the interface; without one the address stays. */
  readonly interfaceAddress?: string;
  /** Only chains of this type, e.g. nat to see what translation alone does. */
  readonly type?: 'filter' | 'nat' | 'route';
}

/** A rule whose matches all held. */
export interface MatchedRule {
  readonly family: TableFamily;
  readonly table: string;
  readonly chain: string;
  /** Position in its chain, 0 first. */
  readonly index: number;
  readonly comment?: string;
  /** The rule in nft syntax. */
  readonly text: string;
}

export interface ElementUpdate {
  readonly table: string;
  readonly set: string;
  readonly op: 'add' | 'update' | 'delete';
  readonly element: SetElement;
}

/** The packet as it was, on its way to an address or out of a link. */
export interface PacketCopy {
  readonly packet: VirtualPacket;
  readonly to?: string;
}

export interface Interpretation {
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** The packet as it leaves the hook: after NAT, with its marks. */
  readonly packet: VirtualPacket;
  readonly matched: readonly MatchedRule[];
  /** What gave the verdict: a rule, the policy of a base chain, or nothing that had an opinion. */
  readonly decidedBy: { readonly rule: MatchedRule } | { readonly policyOf: string } | undefined;
  readonly translation?: 'dnat' | 'snat' | 'masquerade' | 'redirect';
  /** How the sender is told, when it is. */
  readonly rejection?: RejectAnswer;
  /** The local socket that tproxy gave the packet to. */
  readonly proxy?: { readonly address?: string; readonly port: number };
  readonly updates: readonly ElementUpdate[];
  /** What `dup` sent beside the packet. */
  readonly copies?: readonly PacketCopy[];
  /** Statements and expressions the interpreter could not evaluate, in nft syntax; matches among them failed. */
  readonly cannotTell?: readonly string[];
}
