import type { Expression } from './expression-model.ts';
import type { ExtensionField } from './extension-field.ts';
import type { PayloadField } from './header-field.ts';
import type { Rate, SynproxyOptions } from './object-model.ts';
import type { ObjectKind, SetElement, Value, Verdict } from './set-model.ts';

export type MatchOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** Names as nft(8), REJECT STATEMENT; which exist depends on the protocol the answer is in. */
export type RejectReason =
  | 'tcp-reset'
  | 'net-unreachable'
  | 'host-unreachable'
  | 'prot-unreachable'
  | 'port-unreachable'
  | 'net-prohibited'
  | 'host-prohibited'
  | 'admin-prohibited'
  | 'no-route'
  | 'addr-unreachable'
  | 'policy-fail'
  | 'reject-route';

/** How a NAT statement picks a port: at random (and not by hash), or the same for all connections of a client. */
export interface NatFlags {
  readonly random?: boolean;
  readonly fullyRandom?: boolean;
  readonly persistent?: boolean;
}

/** One port, or those of a range. */
export type Ports = number | { readonly from: number; readonly to: number };

/** A netlink attribute of an expression, as the kernel lists it. */
export interface RawAttribute {
  readonly type: number;
  readonly payload: Buffer;
}

/** An expression of the kernel's bytecode that this package has no words for. */
export interface RawExpression {
  readonly name: string;
  readonly attributes: readonly RawAttribute[];
}

/** Statements that keep state, alone in a rule or for each element of a set. */
export type ElementStatement =
  /** `packets` and `bytes` are what it starts from. */
  | { readonly kind: 'counter'; readonly packets?: number; readonly bytes?: number }
  | ({ readonly kind: 'limit' } & Rate)
  | { readonly kind: 'quota'; readonly bytes: number; readonly used?: number; readonly over?: boolean }
  /** Matches while at most (`over`: more than) `count` connections are counted here. */
  | { readonly kind: 'ct-count'; readonly count: number; readonly over?: boolean };

export type Statement =
  | ElementStatement
  /**
   * `right` as a list is an anonymous set; for ct state, ct status and tcp flags use names: ['established','related'], which
   * match any of them; behind a `bitwise` they are added up and compared exactly. 'exists' and 'missing' for fib results and
   * for the presence of options and extension headers.
   */
  | {
      readonly kind: 'match';
      readonly left: Expression;
      readonly op: MatchOperator;
      readonly right: Value | readonly Value[];
    }
  | { readonly kind: 'lookup'; readonly key: Expression; readonly set: string; readonly invert?: boolean }
  /** A lookup in a set of the rule's own, for concatenations. */
  | {
      readonly kind: 'anonymous-lookup';
      readonly key: Expression;
      readonly elements: readonly SetElement[];
      readonly invert?: boolean;
    }
  | { readonly kind: 'vmap'; readonly key: Expression; readonly map: string }
  /** `tcp dport vmap { 22 : accept }` */
  | { readonly kind: 'anonymous-vmap'; readonly key: Expression; readonly elements: readonly SetElement[] }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'set-mark'; readonly to: Expression }
  | { readonly kind: 'set-ct-mark'; readonly to: Expression }
  | {
      readonly kind: 'set-meta';
      readonly key: 'priority' | 'nftrace' | 'pkttype' | 'rtclassid';
      readonly to: Expression;
    }
  /** Zones and events only before the connection is confirmed; `event`: which of its events are reported. */
  | {
      readonly kind: 'set-ct';
      readonly key: 'zone' | 'original zone' | 'reply zone' | 'label' | 'event';
      readonly to: Expression;
    }
  /** Writes a header field; the kernel mends the checksums. */
  | { readonly kind: 'set-payload'; readonly field: PayloadField; readonly to: Expression }
  /** `tcp option maxseg size set rt mtu` */
  | { readonly kind: 'set-extension'; readonly field: ExtensionField; readonly to: Expression }
  /** Overwrites a TCP option with NOPs. */
  | { readonly kind: 'reset-tcp-option'; readonly option: ExtensionField }
  /**
   * `to` yields an address, or an address and a port when it is a map whose data is (address, inet_service). Constants may
   * be ranges. `prefix`: network part by network part (`to` is a prefix, or a map with `dataInterval`).
   */
  | ({
      readonly kind: 'dnat' | 'snat';
      readonly family: 'ip' | 'ip6';
      readonly to: Expression;
      readonly port?: Expression;
      readonly withPort?: boolean;
      readonly prefix?: boolean;
    } & NatFlags)
  | ({ readonly kind: 'masquerade'; readonly port?: Ports } & NatFlags)
  | ({ readonly kind: 'redirect'; readonly port?: Ports } & NatFlags)
  /** `inet`: both families, then without an address. */
  | {
      readonly kind: 'tproxy';
      readonly family: 'ip' | 'ip6' | 'inet';
      readonly address?: string;
      readonly port: number;
    }
  /** The answer is in the table's own protocol unless `protocol` says otherwise (icmpx: whichever the packet has). */
  | { readonly kind: 'reject'; readonly with: RejectReason; readonly protocol?: 'icmp' | 'icmpv6' | 'icmpx' }
  /** To a group (nfnetlink_log), or at a level to the kernel's log. */
  | {
      readonly kind: 'log';
      readonly prefix?: string;
      readonly group?: number;
      /** Bytes of the packet that are copied. */
      readonly snaplen?: number;
      /** How many packets the kernel collects before it sends. */
      readonly queueThreshold?: number;
      readonly level?: 'emerg' | 'alert' | 'crit' | 'err' | 'warn' | 'notice' | 'info' | 'debug' | 'audit';
      readonly flags?: readonly ('tcp sequence' | 'tcp options' | 'ip options' | 'skuid' | 'ether')[];
    }
  /** To a program (nfnetlink_queue). `bypass`: accept when none listens; `fanout`: by CPU over a range of queues. */
  | {
      readonly kind: 'queue';
      readonly to: Expression;
      readonly bypass?: boolean;
      readonly fanout?: boolean;
    }
  /** A copy of the packet to that address (families ip, ip6, inet: by `family`) or out of that device (netdev). */
  | { readonly kind: 'dup'; readonly to?: Expression; readonly device?: Expression }
  /** netdev only: out of that device, with an address of `family` through the neighbour of that address. */
  | {
      readonly kind: 'fwd';
      readonly device: Expression;
      readonly to?: Expression;
      readonly family?: 'ip' | 'ip6';
    }
  | { readonly kind: 'notrack' }
  /** `flow add @f` */
  | { readonly kind: 'flow-add'; readonly flowtable: string }
  | ({ readonly kind: 'synproxy' } & SynproxyOptions)
  /** When the rule last matched; nft 1.0.6 can list it but not read it. */
  | { readonly kind: 'last' }
  /** A named object: counts, limits, or is given to the connection. */
  | { readonly kind: 'objref'; readonly type: ObjectKind; readonly name: string }
  /** The object that a map names for the key. */
  | { readonly kind: 'objref-map'; readonly type: ObjectKind; readonly key: Expression; readonly map: string }
  /** Adds or refreshes an element of a dynamic set or map. */
  | {
      readonly kind: 'update';
      readonly op: 'add' | 'update' | 'delete';
      readonly set: string;
      readonly key: Expression;
      readonly data?: Expression;
      readonly timeout?: number;
      /** What the element keeps; the packet goes on only when they match. */
      readonly statements?: readonly ElementStatement[];
    }
  /** Bytecode as it is, from observation: written back as it was, but not expressible in nft syntax. */
  | { readonly kind: 'unknown'; readonly expressions: readonly RawExpression[] };
