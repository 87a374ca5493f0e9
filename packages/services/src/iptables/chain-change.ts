import { type ChainId, isBuiltIn } from './layout.ts';

/**
 * The rules of chains: lines as iptables-save prints them (`-A CHAIN ...`), without a newline at the end; empty for a chain
 * without rules. A chain that is not there is absent. Of the kernel's own chains only our rules.
 */
export type Chains = ReadonlyMap<ChainId, string>;

/** Rules that give way to others somewhere in a chain. */
export interface Splice {
  /** How many rules of the chain are before it when all splices are done. */
  readonly at: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** What becomes of one chain. */
export type ChainChange =
  /** It has these rules, whatever it had. `isNew`: it was not there. */
  | { readonly kind: 'write'; readonly id: ChainId; readonly rules: string; readonly isNew: boolean }
  /** In order of their places. No rule that is removed stays elsewhere in the chain. */
  | { readonly kind: 'splice'; readonly id: ChainId; readonly splices: readonly Splice[] }
  | { readonly kind: 'delete'; readonly id: ChainId };

export const rulesOf = (lines: string): string[] => (lines ? lines.split('\n') : []);

/** As `rulesOf(lines).length`. */
export function countRules(lines: string): number {
  let count = lines ? 1 : 0;
  for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) count++;
  return count;
}

/** `keep`: chains to which others' rules lead; they are emptied and not deleted. */
export function compareChains(before: Chains, after: Chains, keep?: ReadonlySet<ChainId>): ChainChange[] {
  const changes: ChainChange[] = [];
  for (const [id, rules] of after) {
    const known = before.get(id);
    if (known !== rules) changes.push(compareChain(id, known, rules));
  }
  for (const [id, rules] of before) {
    if (after.has(id)) continue;
    if (isBuiltIn(id)) changes.push({ kind: 'splice', id, splices: [{ at: 0, removed: rulesOf(rules), added: [] }] });
    else if (!keep?.has(id)) changes.push({ kind: 'delete', id });
    else if (rules) changes.push({ kind: 'write', id, rules: '', isNew: false });
  }
  return changes;
}

function compareChain(id: ChainId, before: string | undefined, after: string): ChainChange {
  // ours stand together at the top, in order
  if (isBuiltIn(id))
    return { kind: 'splice', id, splices: [{ at: 0, removed: rulesOf(before ?? ''), added: rulesOf(after) }] };
  if (before === undefined) return { kind: 'write', id, rules: after, isNew: true };
  const splice = spliceOf(0, before, after);
  const rules = rulesOf(after);
  const present = new Set(rules);
  const chain = { length: rules.length, rules: () => after, has: (rule: string) => present.has(rule) };
  return spliceChain(id, splice ? [splice] : [], chain);
}

/** A chain as it is after a change. */
interface ChangedChain {
  readonly length: number;
  rules(): string;
  has(rule: string): boolean;
}

/** A chain shorter than this is written anew. */
const SHORT = 16;
/** More lines than this cost iptables-nft-restore more than the whole chain: it looks for each rule in the kernel's list. */
const MOST_LINES = 64;

/** A change by splices, or of the chain as a whole where that costs less or a rule could be mistaken for another. */
export function spliceChain(id: ChainId, splices: readonly Splice[], after: ChangedChain): ChainChange {
  const { length } = after;
  const lines = splices.reduce((sum, { removed, added }) => sum + removed.length + added.length, 0);
  const whole = length < SHORT || lines > Math.min(length / 2, MOST_LINES);
  const twins = (): boolean => splices.some(({ removed }) => removed.some((rule) => after.has(rule)));
  if (whole || twins()) return { kind: 'write', id, rules: after.rules(), isNew: false };
  return { kind: 'splice', id, splices };
}

/** What is different between two pieces of a chain that begin at `at`, without what they have in common at both ends. */
export function spliceOf(at: number, before: string, after: string): Splice | undefined {
  if (before === after) return undefined;
  const [old, wanted] = [rulesOf(before), rulesOf(after)];
  const shorter = Math.min(old.length, wanted.length);
  let [head, tail] = [0, 0];
  while (head < shorter && old[head] === wanted[head]) head++;
  while (tail < shorter - head && old[old.length - 1 - tail] === wanted[wanted.length - 1 - tail]) tail++;
  return {
    at: at + head,
    removed: old.slice(head, old.length - tail),
    added: wanted.slice(head, wanted.length - tail),
  };
}
