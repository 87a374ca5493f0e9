/**
 * An nftables ruleset as data. Names follow nft(8); two printers (text, nfnetlink) and the interpreter read it.
 *
 *   Table ─┬─ sets and maps ── elements          statements run left to right; a failed match ends the rule
 *          └─ chains ── rules ── statements ── expressions
 */
export type TableFamily = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev';

/** One table: the unit of ownership, of observation and of a transaction. */
export interface Table {
  readonly family: TableFamily;
  readonly name: string;
  readonly sets: readonly NamedSet[];
  readonly chains: readonly Chain[];
  readonly comment?: string;
}

export type Hook = 'ingress' | 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'egress';

export interface Chain {
  readonly name: string;
  /** Only base chains have one. Priority: raw -300, mangle -150, dstnat -100, filter 0, security 50, srcnat 100. */
  readonly base?: {
    readonly type: 'filter' | 'nat' | 'route';
    readonly hook: Hook;
    readonly priority: number;
    readonly policy?: 'accept' | 'drop';
    /** netdev family only. */
    readonly device?: string;
  };
  readonly rules: readonly Rule[];
  readonly comment?: string;
}

export interface Rule {
  readonly statements: readonly Statement[];
  /** Why the rule exists; at most 127 bytes, kept by the kernel as user data and printed by nft. */
  readonly comment?: string;
}

/** Lengths in bytes: ipv4_addr 4, ipv6_addr 16, ether_addr 6, inet_proto 1, inet_service 2, mark 4, ifname 16. */
export type DataType =
  | 'ipv4_addr'
  | 'ipv6_addr'
  | 'ether_addr'
  | 'inet_proto'
  | 'inet_service'
  | 'mark'
  | 'ifname'
  | 'icmp_type'
  | 'icmpv6_type';

/** A set (no `data`), a map (`data` types) or a verdict map (`data: 'verdict'`). Several key types are a concatenation. */
export interface NamedSet {
  readonly name: string;
  readonly key: readonly DataType[];
  readonly data?: readonly DataType[] | 'verdict';
  /** Ranges and prefixes as elements. */
  readonly interval?: boolean;
  /** Rules may add elements (`update @set`). */
  readonly dynamic?: boolean;
  /** Seconds until an element added without its own timeout expires. */
  readonly timeout?: number;
  /** Elements may have a timeout although the set has no default one. */
  readonly hasTimeouts?: boolean;
  readonly size?: number;
  /** Each element counts packets and bytes. */
  readonly counter?: boolean;
  readonly elements: readonly SetElement[];
  readonly comment?: string;
}

export interface SetElement {
  /** One value per key type. In interval sets a value may be a prefix or a range. */
  readonly key: readonly Value[];
  readonly data?: readonly Value[] | Verdict;
  /** Seconds. */
  readonly timeout?: number;
  readonly comment?: string;
}

/**
 * Text for addresses, MAC addresses, interface names and protocol names (tcp udp sctp icmp icmpv6); a number for ports
 * and marks; `a/n` text for prefixes; a range is inclusive at both ends.
 */
export type Value = string | number | { readonly from: string | number; readonly to: string | number };

export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'continue' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

export type PayloadField =
  | 'ether saddr'
  | 'ether daddr'
  | 'ether type'
  | 'arp operation'
  | 'arp saddr ether'
  | 'arp saddr ip'
  | 'arp daddr ip'
  | 'ip saddr'
  | 'ip daddr'
  | 'ip protocol'
  | 'ip ttl'
  | 'ip6 saddr'
  | 'ip6 daddr'
  | 'ip6 nexthdr'
  | 'th sport'
  | 'th dport'
  | 'tcp flags'
  | 'icmp type'
  | 'icmpv6 type';
export type MetaKey =
  | 'mark'
  | 'l4proto'
  | 'iifname'
  | 'oifname'
  | 'iif'
  | 'oif'
  | 'nfproto'
  | 'pkttype'
  | 'skuid'
  | 'protocol'
  | 'length';
/** `original ip daddr` and so on are the tuple before NAT. */
export type CtKey =
  | 'state'
  | 'status'
  | 'mark'
  | 'direction'
  | 'original ip saddr'
  | 'original ip daddr'
  | 'original protocol'
  | 'original proto-dst';
export type FibResult = 'type' | 'oif' | 'oifname';

export type Expression =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'payload'; readonly field: PayloadField }
  | { readonly kind: 'meta'; readonly key: MetaKey }
  | { readonly kind: 'ct'; readonly key: CtKey }
  | {
      readonly kind: 'fib';
      readonly flags: readonly ('saddr' | 'daddr' | 'mark' | 'iif' | 'oif')[];
      readonly result: FibResult;
    }
  | { readonly kind: 'numgen'; readonly mode: 'random' | 'inc'; readonly modulus: number; readonly offset?: number }
  | {
      readonly kind: 'jhash';
      readonly of: Expression;
      readonly modulus: number;
      readonly seed?: number;
      readonly offset?: number;
    }
  | { readonly kind: 'concat'; readonly parts: readonly Expression[] }
  /** Looks the key up in a named map; a miss ends the rule. */
  | { readonly kind: 'map'; readonly key: Expression; readonly map: string }
  /** `(of & mask) ^ xor`, for marks: keep the bits of `mask`, then flip those of `xor`. */
  | { readonly kind: 'bitwise'; readonly of: Expression; readonly mask: number; readonly xor: number };

export type MatchOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';

export type Statement =
  /** `right` as a list is an anonymous set; for ct state, ct status and tcp flags use names: ['established','related']. */
  | {
      readonly kind: 'match';
      readonly left: Expression;
      readonly op: MatchOperator;
      readonly right: Value | readonly Value[];
    }
  | { readonly kind: 'lookup'; readonly key: Expression; readonly set: string; readonly invert?: boolean }
  | { readonly kind: 'vmap'; readonly key: Expression; readonly map: string }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'counter' }
  | { readonly kind: 'set-mark'; readonly to: Expression }
  | { readonly kind: 'set-ct-mark'; readonly to: Expression }
  /** `to` yields an address, or an address and a port when it is a map whose data is (address, inet_service). */
  | {
      readonly kind: 'dnat' | 'snat';
      readonly family: 'ip' | 'ip6';
      readonly to: Expression;
      readonly port?: Expression;
      readonly withPort?: boolean;
    }
  | { readonly kind: 'masquerade'; readonly fullyRandom?: boolean }
  | { readonly kind: 'redirect'; readonly port?: number }
  | { readonly kind: 'tproxy'; readonly family: 'ip' | 'ip6'; readonly address?: string; readonly port: number }
  | {
      readonly kind: 'reject';
      readonly with: 'tcp-reset' | 'port-unreachable' | 'host-unreachable' | 'admin-prohibited';
    }
  | { readonly kind: 'log'; readonly prefix?: string; readonly group?: number }
  | {
      readonly kind: 'limit';
      readonly rate: number;
      readonly per: 'second' | 'minute' | 'hour';
      readonly burst?: number;
      readonly over?: boolean;
    }
  | { readonly kind: 'quota'; readonly bytes: number; readonly over?: boolean }
  | { readonly kind: 'notrack' }
  /** Adds or refreshes an element of a dynamic set or map. */
  | {
      readonly kind: 'update';
      readonly op: 'add' | 'update' | 'delete';
      readonly set: string;
      readonly key: Expression;
      readonly data?: Expression;
      readonly timeout?: number;
    };
