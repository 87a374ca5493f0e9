import type { Chain, Rule, Table } from './model.ts';

/** A rule of the kernel. Counters and quotas in its statements show what they have counted so far. */
export interface ObservedRule extends Rule {
  /** The kernel's number of the rule within its table; trace events name rules by it. */
  readonly handle: number;
}

export interface ObservedChain extends Chain {
  readonly rules: readonly ObservedRule[];
}

/** What the kernel holds of a table, whoever wrote it. Sets that belong to rules stand in the rules. */
export interface ObservedTable extends Table {
  readonly chains: readonly ObservedChain[];
}
