import { NftChange } from './change.ts';
import type { Chain, NamedSet, SetElement, Table, Value } from './model.ts';
import { setsUsedBy } from './reference.ts';

/**
 * The least that turns `current` into `desired`, in an order the kernel accepts: everything that refers goes before what
 * it refers to, and comes after it.
 *
 *   flush changed chains ▸ delete elements ▸ delete sets ▸ delete chains ▸ add chains ▸ add sets ▸ add elements ▸ add rules
 *
 * Sets change element by element. The rules of a chain are replaced as a whole, which resets their counters, limits and
 * quotas. A comment of a table, chain or set is not a difference. Elements that rules added are nobody's but the kernel's.
 */
export function diffTables(current: Table | undefined, desired: Table): NftChange[] {
  const change = (command: NftChange['command']) => new NftChange(desired, command);
  const sets = diffSets(current?.sets ?? [], desired.sets);
  const recreated = new Set(sets.removed.map((set) => set.name));
  const chains = diffChains(current?.chains ?? [], desired.chains, recreated);
  return [
    ...(current ? [] : [change({ kind: 'add-table' })]),
    ...chains.flushed.map((chain) => change({ kind: 'flush-chain', chain })),
    ...sets.elements.flatMap(({ set, remove }) =>
      remove.map((element) => change({ kind: 'delete-element', set, element })),
    ),
    ...sets.removed.map((set) => change({ kind: 'delete-set', set })),
    ...chains.removed.map((chain) => change({ kind: 'delete-chain', chain })),
    ...chains.added.map((chain) => change({ kind: 'add-chain', chain })),
    ...chains.policies.map((chain) => change({ kind: 'set-policy', chain })),
    ...sets.added.map((set) => change({ kind: 'add-set', set })),
    ...sets.elements.flatMap(({ set, add }) => add.map((element) => change({ kind: 'add-element', set, element }))),
    ...chains.filled.flatMap((chain) => chain.rules.map((rule) => change({ kind: 'add-rule', chain, rule }))),
  ];
}

interface SetDelta {
  readonly set: NamedSet;
  readonly add: readonly SetElement[];
  readonly remove: readonly SetElement[];
}

function diffSets(current: readonly NamedSet[], desired: readonly NamedSet[]) {
  const before = new Map(current.map((set) => [set.name, set]));
  const after = new Map(desired.map((set) => [set.name, set]));
  const same = (set: NamedSet) => specOf(set) === specOf(before.get(set.name) ?? set) && before.has(set.name);
  const removed = current.filter((set) => !same(after.get(set.name) ?? { ...set, name: '' }));
  const added = desired.filter((set) => !same(set));
  const elements: SetDelta[] = desired.map((set) => {
    const old = same(set) ? before.get(set.name) : undefined;
    return old ? diffElements(old, set) : { set, add: set.elements, remove: [] };
  });
  return { removed, added, elements };
}

/** What of a set cannot change while it exists. */
function specOf(set: NamedSet): string {
  const { key, data, interval, dynamic, timeout, hasTimeouts, size, counter } = set;
  return JSON.stringify([
    key,
    data,
    !!interval,
    !!dynamic,
    timeout,
    !!hasTimeouts || timeout !== undefined,
    size,
    !!counter,
  ]);
}

/** What is equal at both ends is skipped; element objects that a planner hands over again are not looked into. */
function diffElements(old: NamedSet, set: NamedSet): SetDelta {
  if (old.elements === set.elements) return { set, add: [], remove: [] };
  const [oldPart, newPart] = differingParts(old.elements, set.elements);
  const [before, after] = [new Set(oldPart), new Set(newPart)];
  const gone = oldPart.filter((element) => !after.has(element));
  const fresh = newPart.filter((element) => !before.has(element));
  const [goneText, freshText] = [indexOf(gone), indexOf(fresh)];
  const differs = (from: ReadonlyMap<string, string>) => (element: SetElement) =>
    from.get(keyText(element.key)) !== contentText(element);
  return { set, add: fresh.filter(differs(goneText)), remove: gone.filter(differs(freshText)) };
}

type Elements = readonly SetElement[];

/** Both lists without the elements they have in common at their beginning and at their end. */
function differingParts(a: Elements, b: Elements): [Elements, Elements] {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && sameElement(a[start], b[start])) start++;
  let end = 0;
  while (end < shorter - start && sameElement(a[a.length - 1 - end], b[b.length - 1 - end])) end++;
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)];
}

function sameElement(a: SetElement | undefined, b: SetElement | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && keyText(a.key) === keyText(b.key) && contentText(a) === contentText(b);
}

/** Key text to content text. */
function indexOf(elements: readonly SetElement[]): ReadonlyMap<string, string> {
  return new Map(elements.map((element) => [keyText(element.key), contentText(element)]));
}

/** Values are compared as they are written: a planner that writes 10.0.0.1 and 10.0.0.1/32 by turns costs an element. */
function keyText(values: readonly Value[]): string {
  let text = '';
  for (const value of values) text += typeof value === 'object' ? `${value.from}-${value.to}|` : `${value}|`;
  return text;
}

function contentText({ data, timeout, comment }: SetElement): string {
  const rest = timeout === undefined && comment === undefined ? '' : `;${timeout};${comment}`;
  if (data === undefined) return rest;
  return ('kind' in data ? `${data.kind} ${'chain' in data ? data.chain : ''}` : keyText(data)) + rest;
}

function diffChains(current: readonly Chain[], desired: readonly Chain[], recreatedSets: ReadonlySet<string>) {
  const before = new Map(current.map((chain) => [chain.name, chain]));
  const after = new Map(desired.map((chain) => [chain.name, chain]));
  const kept = (chain: Chain) => {
    const [old, now] = [before.get(chain.name), after.get(chain.name)];
    return old !== undefined && now !== undefined && baseOf(old) === baseOf(now);
  };
  const sameRules = (chain: Chain) =>
    kept(chain) &&
    rulesText(before.get(chain.name)) === rulesText(after.get(chain.name)) &&
    !(
      recreatedSets.size > 0 &&
      chain.rules.some((rule) => [...setsUsedBy(rule)].some((name) => recreatedSets.has(name)))
    );
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
  return base ? `${base.type} ${base.hook} ${base.priority} ${base.device ?? ''}` : '';
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
