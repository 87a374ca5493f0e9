import type { Chain, NamedSet, TableFamily } from './model.ts';

/** A netlink attribute of a rule's expression, as the kernel lists it. */
export interface RawAttribute {
  readonly type: number;
  readonly payload: Buffer;
}

export interface RawExpression {
  readonly name: string;
  readonly attributes: readonly RawAttribute[];
}

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
