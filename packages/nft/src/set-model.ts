import type { ElementStatement } from './statement-model.ts';

/**
 * Types of keys and data, by nft's names (nft(8), DATA TYPES). Lengths in bytes: ipv4_addr 4, ipv6_addr 16, ether_addr 6,
 * inet_proto 1, inet_service 2, mark 4, ifname 16, ct_label 16, the others 1, 2, 4 or 8.
 */
export type DataType =
  | 'ipv4_addr'
  | 'ipv6_addr'
  | 'ether_addr'
  | 'ether_type'
  | 'arp_op'
  | 'inet_proto'
  | 'inet_service'
  | 'icmp_type'
  | 'icmp_code'
  | 'icmpv6_type'
  | 'icmpv6_code'
  | 'igmp_type'
  | 'tcp_flag'
  | 'dscp'
  | 'mark'
  | 'ifname'
  | 'iface_index'
  | 'iface_type'
  | 'devgroup'
  | 'pkt_type'
  | 'nf_proto'
  | 'uid'
  | 'gid'
  | 'realm'
  | 'classid'
  | 'ct_state'
  | 'ct_dir'
  | 'ct_status'
  | 'ct_label'
  | 'fib_addrtype'
  | 'cgroupsv2';

/**
 * A set (no `data`), a map (`data` types), a verdict map (`data: 'verdict'`) or a map to named objects (`objects`).
 * Several key types are a concatenation.
 */
export interface NamedSet {
  readonly name: string;
  readonly key: readonly DataType[];
  readonly data?: readonly DataType[] | 'verdict';
  /** The elements name objects of this kind. */
  readonly objects?: ObjectKind;
  /** Ranges and prefixes as elements. */
  readonly interval?: boolean;
  /** Ranges and prefixes as data, for `nat` with `prefix`. */
  readonly dataInterval?: boolean;
  /** Note for nft that it may merge elements that overlap or touch; this package sends elements as they are. */
  readonly autoMerge?: boolean;
  /** No element may come or go while a rule uses the set. */
  readonly constant?: boolean;
  /** Rules may add elements (`update @set`). */
  readonly dynamic?: boolean;
  /** Seconds until an element added without its own timeout expires. */
  readonly timeout?: number;
  /** Elements may have a timeout although the set has no default one. */
  readonly hasTimeouts?: boolean;
  /** Seconds between two sweeps for expired elements. */
  readonly gcInterval?: number;
  /** Greatest number of elements. */
  readonly size?: number;
  /** What the kernel optimises for when it chooses the data structure; default performance. */
  readonly policy?: 'performance' | 'memory';
  /** Each element counts packets and bytes. The same as the first of `statements` being a counter. */
  readonly counter?: boolean;
  /** What each element keeps: counters, quotas, limits, connection counts. */
  readonly statements?: readonly ElementStatement[];
  readonly elements: readonly SetElement[];
  readonly comment?: string;
}

export interface SetElement {
  /** One value per key type, or `['*']` for what no other element matches. In interval sets a value may be a prefix or a range. */
  readonly key: readonly Value[];
  readonly data?: readonly Value[] | Verdict;
  /** Name of the object, in a map to objects. */
  readonly object?: string;
  /** Seconds. */
  readonly timeout?: number;
  /** Seconds left until it expires; without it, all of the timeout. */
  readonly expires?: number;
  /** State of the set's statements to start with: counters that have counted. One for each of the set's. */
  readonly statements?: readonly ElementStatement[];
  readonly comment?: string;
}

/**
 * Text for addresses, MAC addresses, interface names and names of constants (tcp udp established echo-request cs1 ...); a
 * number for ports, marks and every other number; `a/n` text for prefixes; a range is inclusive at both ends.
 */
export type Value = string | number | { readonly from: string | number; readonly to: string | number };

export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'continue' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

export type ObjectKind =
  | 'counter'
  | 'quota'
  | 'limit'
  | 'ct helper'
  | 'ct timeout'
  | 'ct expectation'
  | 'synproxy'
  | 'secmark';
