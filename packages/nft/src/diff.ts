import { type Command, NftChange } from './change.ts';
import { diffObjects, type ObjectDelta } from './diff-object.ts';
import { diffSets, type SetsDelta } from './diff-set.ts';
import type { SetDelta } from './element-index.ts';
import { devicesOf } from './format.ts';
import type { Chain, NamedSet, Table } from './model.ts';
import { usesOf } from './reference.ts';

/** The difference of two tables, by kind; `changesOf` puts it in order. */
export interface TableDelta {
  readonly table: Table;
  /** There is none yet. */
  readonly create: boolean;
  /** It falls asleep or wakes up; or gets or loses its owner, for which the kernel wants it made anew. */
  readonly flags: boolean;
  readonly sets: SetsDelta;
  readonly objects: ObjectDelta;
  readonly chains: ChainsDelta;
}

/**
 * The least that turns `current` into `desired`, in an order the kernel accepts: everything that refers goes before what
 * it refers to, and comes after it.
 *
 *   flush changed chains ▸ delete elements ▸ delete sets ▸ delete chains ▸ delete objects, flowtables
 *     ▸ add objects, flowtables ▸ add chains ▸ add sets ▸ add verdicts, constants ▸ add rules ▸ add other elements
 *
 * Sets change element by element. The rules of a chain are replaced as a whole, which resets their counters, limits and
 * quotas. A comment of a table, chain, object or set is not a difference, nor is what counters and quotas start from.
 * Elements that rules added are nobody's but the kernel's. What is the same must be written the same.
 */
export function deltaOf(current: Table | undefined, desired: Table): TableDelta {
  const objects = diffObjects(current, desired);
  const sets = diffSets(current?.sets ?? [], desired.sets, objects.remade);
  const remade = new Set([...objects.remade, ...sets.removed.map((set) => `set ${set.name}`)]);
  return {
    table: desired,
    create: !current,
    flags: current !== undefined && (!current.dormant !== !desired.dormant || !current.owner !== !desired.owner),
    objects,
    sets,
    chains: diffChains(current?.chains ?? [], desired.chains, remade),
  };
}

/** The commands of a difference, in order. */
export function commandsOf({ create, flags, objects, sets, chains }: TableDelta): Command[] {
  return [
    ...(create ? [{ kind: 'add-table' as const }] : flags ? [{ kind: 'set-table' as const }] : []),
    ...chains.flushed.map((chain): Command => ({ kind: 'flush-chain', chain })),
    ...sets.elements.flatMap(({ set, remove }) =>
      remove.map((element): Command => ({ kind: 'delete-element', set, element })),
    ),
    ...sets.removed.map((set): Command => ({ kind: 'delete-set', set })),
    ...chains.removed.map((chain): Command => ({ kind: 'delete-chain', chain })),
    ...objects.removed.map((object): Command => ({ kind: 'delete-object', object })),
    ...objects.removedFlowtables.map((flowtable): Command => ({ kind: 'delete-flowtable', flowtable })),
    ...objects.added.map((object): Command => ({ kind: 'add-object', object })),
    ...objects.addedFlowtables.map((flowtable): Command => ({ kind: 'add-flowtable', flowtable })),
    ...chains.added.map((chain): Command => ({ kind: 'add-chain', chain })),
    ...chains.policies.map((chain): Command => ({ kind: 'set-policy', chain })),
    ...sets.added.map((set): Command => ({ kind: 'add-set', set })),
    ...addCommands(sets.elements.filter(({ set }) => comesBeforeRules(set))),
    ...chains.filled.flatMap((chain) => chain.rules.map((rule): Command => ({ kind: 'add-rule', chain, rule }))),
    ...addCommands(sets.elements.filter(({ set }) => !comesBeforeRules(set))),
  ];
}

function addCommands(deltas: readonly SetDelta[]): Command[] {
  return deltas.flatMap(({ set, add }) => add.map((element): Command => ({ kind: 'add-element', set, element })));
}

/**
 * For each rule that comes to use a map the kernel walks through all elements, so they come when the rules are there. But it
 * puts nothing into a constant set that a rule uses, and where a verdict leads is looked at anew with every element.
 */
export function comesBeforeRules({ constant, data }: NamedSet): boolean {
  return constant === true || data === 'verdict';
}

/** How many commands that are, without making them. */
export function countOf({ create, flags, objects, sets, chains }: TableDelta): number {
  const lists: readonly (readonly unknown[])[] = [
    ...sets.elements.flatMap(({ add, remove }) => [add, remove]),
    ...chains.filled.map((chain) => chain.rules),
    ...[chains.flushed, chains.removed, chains.added, chains.policies],
    ...[objects.removed, objects.removedFlowtables, objects.added, objects.addedFlowtables],
    ...[sets.removed, sets.added],
  ];
  return lists.reduce((sum, list) => sum + list.length, create || flags ? 1 : 0);
}

export const changesOf = (delta: TableDelta): NftChange[] =>
  commandsOf(delta).map((command) => new NftChange(delta.table, command));

export interface ChainsDelta {
  readonly flushed: readonly Chain[];
  readonly removed: readonly Chain[];
  readonly added: readonly Chain[];
  readonly policies: readonly Chain[];
  readonly filled: readonly Chain[];
}

/** `remade`: what is taken away and made anew, so that rules that refer to it must go too. */
function diffChains(current: readonly Chain[], desired: readonly Chain[], remade: ReadonlySet<string>): ChainsDelta {
  const before = new Map(current.map((chain) => [chain.name, chain]));
  const after = new Map(desired.map((chain) => [chain.name, chain]));
  const kept = (chain: Chain) => {
    const [old, now] = [before.get(chain.name), after.get(chain.name)];
    return old !== undefined && now !== undefined && baseOf(old) === baseOf(now);
  };
  const sameRules = (chain: Chain) =>
    kept(chain) &&
    rulesText(before.get(chain.name)) === rulesText(after.get(chain.name)) &&
    !(remade.size > 0 && chain.rules.some((rule) => [...usesOf(rule)].some((name) => remade.has(name))));
  return {
    flushed: current.filter((chain) => chain.rules.length > 0 && !sameRules(chain)),
    removed: current.filter((chain) => !kept(chain)),
    added: desired.filter((chain) => !kept(chain)),
    policies: desired.filter((chain) => kept(chain) && policyOf(chain) !== policyOf(before.get(chain.name))),
    filled: desired.filter((chain) => !sameRules(chain)),
  };
}

const policyOf = (chain: Chain | undefined): string => chain?.base?.policy ?? 'accept';

function baseOf({ base }: Chain): string {
  if (!base) return '';
  return `${base.type} ${base.hook} ${base.priority} ${devicesOf(base).toSorted().join(' ')} ${base.offload ?? false}`;
}

const RULES = new WeakMap<Chain, string>();

function rulesText(chain: Chain | undefined): string {
  if (!chain) return '';
  let text = RULES.get(chain);
  if (text === undefined) {
    text = JSON.stringify(chain.rules);
    RULES.set(chain, text);
  }
  return text;
}
