import type { AnonymousSet } from './anonymous-set.ts';
import type { NftChange } from './change.ts';
import { changesOf, deltaOf, type TableDelta } from './diff.ts';
import { keyBounds } from './encode-element.ts';
import { encodeRule } from './encode-rule.ts';
import type { SetShape } from './encode-set.ts';
import type { Chain, NamedSet, Rule, SetElement, Table } from './model.ts';
import { cleanComment } from './name.ts';
import { whatCounts } from './state.ts';

/**
 * The commands that turn `current`, observed or made, into `desired`, in an order the kernel accepts. What means the same
 * bytes to the kernel is the same, whatever words are used; handles and what counters have counted do not matter. Pure;
 * throws NFT_BAD_RULESET and the like for what could not be sent.
 */
export function diffTables(current: Table | undefined, desired: Table): NftChange[] {
  return changesOf(driftOf(current, desired));
}

/** What would bring the observed table in step with `desired`. */
export function driftOf(observed: Table | undefined, desired: Table): TableDelta {
  return deltaOf(observed && recognise(observed, desired), desired);
}

/** The observed table in the words of `desired` wherever both mean the same bytes. */
function recognise(observed: Table, desired: Table): Table {
  const sets = new Map(desired.sets.map((set) => [set.name, set]));
  const chains = new Map(desired.chains.map((chain) => [chain.name, chain]));
  const rules = new RuleComparison(observed, desired);
  return {
    ...observed,
    sets: observed.sets.map((set) => recogniseSet(set, sets.get(set.name))),
    chains: observed.chains.map((chain) => recogniseChain(chain, chains.get(chain.name), rules)),
  };
}

/** Elements that expire, or that rules add, come and go by themselves: only their absence where none expires is drift. */
function recogniseSet(set: NamedSet, wanted: NamedSet | undefined): NamedSet {
  if (!wanted || JSON.stringify(wanted.key) !== JSON.stringify(set.key)) return set;
  const byId = new Map(wanted.elements.map((element) => [elementId(wanted, element), element]));
  const present = set.elements.flatMap((element) => {
    const known = byId.get(elementId(set, element));
    if (known) return [known];
    return set.dynamic || element.timeout !== undefined ? [] : [element];
  });
  const expiring = wanted.elements.filter((element) => element.timeout !== undefined || set.timeout !== undefined);
  return { ...set, elements: [...new Set([...present, ...expiring])] };
}

/** Key, data and comment as the kernel keeps them. */
function elementId(set: SetShape, { key, data, object, comment }: SetElement): string {
  const content =
    object ??
    (data === undefined ? '' : 'kind' in data ? JSON.stringify(data) : bytesText(dataShape(set), { key: data }));
  return `${bytesText(set, { key })} ${content};${cleanComment(comment ?? '')}`;
}

const dataShape = ({ name, data }: SetShape): Pick<SetShape, 'name' | 'key'> => ({
  name,
  key: data === undefined || data === 'verdict' ? [] : data,
});

function bytesText(set: Pick<SetShape, 'name' | 'key'>, element: SetElement): string {
  if (element.key[0] === '*') return '*';
  const { from, to } = keyBounds(set, element);
  return `${from.toString('hex')}-${to.toString('hex')}`;
}

/** Stands for a rule that is not as desired; no printed rule equals it. */
const FOREIGN: Rule = { statements: [], comment: 'not as desired' };

function recogniseChain(chain: Chain, wanted: Chain | undefined, rules: RuleComparison): Chain {
  const same =
    wanted &&
    wanted.rules.length === chain.rules.length &&
    wanted.rules.every((rule, i) => rules.same(rule, chain.rules[i]));
  return { ...chain, rules: same ? wanted.rules : chain.rules.map(() => FOREIGN) };
}

/** Rules are the same when they are the same bytecode, whatever words were used, and have the same comment. */
class RuleComparison {
  readonly #observed: Table;
  readonly #desired: Table;

  constructor(observed: Table, desired: Table) {
    this.#observed = observed;
    this.#desired = desired;
  }

  same(rule: Rule, seen: Rule | undefined): boolean {
    if (!seen || cleanComment(seen.comment ?? '') !== cleanComment(rule.comment ?? '')) return false;
    const wanted = bytecode(rule, this.#desired);
    return wanted !== undefined && wanted === bytecode(seen, this.#observed);
  }
}

/** Undefined for a rule that refers to what the table does not have. */
function bytecode(rule: Rule, table: Table): string | undefined {
  let id = 0;
  const statements = rule.statements.map(whatCounts);
  try {
    const { expressions, sets } = encodeRule({ statements }, table, () => ++id);
    return [expressions.toString('hex'), ...sets.map(setText)].join(' ');
  } catch {
    return undefined;
  }
}

/** Elements come back from the kernel in no order, and once. */
function setText({ shape, keyLength, elements }: AnonymousSet): string {
  const entries = [...new Set(elements.map((element) => element.toString('hex')))].toSorted();
  return [shape.key.length, keyLength, !!shape.interval, ...entries].join();
}
