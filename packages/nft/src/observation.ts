import type { Chain, NamedSet, RawExpression, TableFamily } from './model.ts';

export interface ObservedRule {
  readonly handle: bigint;
  readonly comment?: string;
  /** The kernel's bytecode; `drift` compares it with what a rule of the model would be sent as. */
  readonly expressions: readonly RawExpression[];
}

export type ObservedChain = Omit<Chain, 'rules'> & { readonly rules: readonly ObservedRule[] };

/** A set that belongs to a rule: the keys of its elements, hexadecimal and sorted. */
export interface ObservedAnonymousSet {
  readonly name: string;
  readonly keys: readonly string[];
}

/** What the kernel holds of a table. */
export interface ObservedTable {
  readonly family: TableFamily;
  readonly name: string;
  readonly comment?: string;
  readonly sets: readonly NamedSet[];
  readonly anonymousSets: readonly ObservedAnonymousSet[];
  readonly chains: readonly ObservedChain[];
}
