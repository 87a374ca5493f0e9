import type { Flowtable, NamedObject } from './object-model.ts';
import type { NamedSet } from './set-model.ts';
import type { Statement } from './statement-model.ts';

export type * from './expression-model.ts';
export type * from './object-model.ts';
export type * from './set-model.ts';
export type * from './statement-model.ts';

/**
 * An nftables ruleset as data. Names follow nft(8); two printers (text, nfnetlink) and the interpreter read it.
 *
 *   Table ─┬─ objects, flowtables
 *          ├─ sets and maps ── elements          statements run left to right; a failed match ends the rule
 *          └─ chains ── rules ── statements ── expressions
 */
export type TableFamily = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev';

/** One table: the unit of ownership, of observation and of a transaction. */
export interface Table {
  readonly family: TableFamily;
  readonly name: string;
  readonly sets: readonly NamedSet[];
  readonly chains: readonly Chain[];
  readonly objects?: readonly NamedObject[];
  readonly flowtables?: readonly Flowtable[];
  /** Its base chains see no packet. */
  readonly dormant?: boolean;
  /** The table belongs to the socket that makes it: others cannot change it, and it goes when the socket closes. */
  readonly owner?: boolean;
  readonly comment?: string;
}

export type Hook = 'ingress' | 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'egress';

/** Makes a chain see packets; a chain without one is only jumped to. */
export interface BaseChain {
  readonly type: 'filter' | 'nat' | 'route';
  readonly hook: Hook;
  /** Lower runs earlier: raw -300, mangle -150, dstnat -100, filter 0, security 50, srcnat 100. */
  readonly priority: number;
  readonly policy?: 'accept' | 'drop';
  /** Hooks ingress and egress only: the interface, or `devices`. */
  readonly device?: string;
  readonly devices?: readonly string[];
  /** Hook ingress of the netdev family: the network card evaluates the rules. */
  readonly offload?: boolean;
}

export interface Chain {
  readonly name: string;
  readonly base?: BaseChain;
  readonly rules: readonly Rule[];
  readonly comment?: string;
}

export interface Rule {
  readonly statements: readonly Statement[];
  /** Why the rule exists; at most 127 bytes, kept by the kernel as user data and printed by nft. */
  readonly comment?: string;
}
