import { contentText, keyText, type SetDelta } from './element-index.ts';
import { sizeOf, statementsOf } from './encode-set.ts';
import type { NamedSet, SetElement } from './model.ts';
import { whatCounts } from './state.ts';

export interface SetsDelta {
  readonly removed: readonly NamedSet[];
  readonly added: readonly NamedSet[];
  /** One for each set that stays or is new. */
  readonly elements: readonly SetDelta[];
}

/** `remade`: objects that are made anew, and with them the maps that name them. */
export function diffSets(
  current: readonly NamedSet[],
  desired: readonly NamedSet[],
  remade: ReadonlySet<string>,
): SetsDelta {
  const before = new Map(current.map((set) => [set.name, set]));
  const after = new Map(desired.map((set) => [set.name, set]));
  const same = (name: string): boolean => {
    const [old, now] = [before.get(name), after.get(name)];
    return old !== undefined && now !== undefined && specOf(old) === specOf(now) && !names(old, remade);
  };
  return {
    removed: current.filter((set) => !same(set.name)),
    added: desired.filter((set) => !same(set.name)),
    elements: desired.map((set) => {
      const old = same(set.name) ? before.get(set.name) : undefined;
      return old ? diffElements(old, set) : { set, add: set.elements, remove: [] };
    }),
  };
}

function names({ objects, elements }: NamedSet, remade: ReadonlySet<string>): boolean {
  if (objects === undefined || remade.size === 0) return false;
  return elements.some(({ object }) => remade.has(`${objects} ${object}`));
}

/** What of a set cannot change while it exists. */
function specOf(set: NamedSet): string {
  const { key, data, objects, interval, dataInterval, constant, dynamic, timeout, hasTimeouts, gcInterval, policy } =
    set;
  return JSON.stringify([
    [key, data, objects],
    [!!interval, !!dataInterval, !!constant, !!dynamic],
    [timeout, !!hasTimeouts || timeout !== undefined, gcInterval, sizeOf(set), policy === 'memory'],
    statementsOf(set).map(whatCounts),
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
