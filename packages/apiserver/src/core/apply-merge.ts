import { cloneJson } from '@podwire/kube';
import { type FieldSet, isMember, LEAF } from './field-set.ts';
import { itemElement, itemsByElement, mapKeysOf } from './list-items.ts';
import { isObject, type JsonObject } from './patches.ts';
import type { RuleAt } from './strategic-patch.ts';

interface Place {
  readonly path: readonly string[];
  readonly ruleAt: RuleAt;
}

const below = ({ path, ruleAt }: Place, field: string): Place => ({ path: [...path, field], ruleAt });
const isAtomic = ({ path, ruleAt }: Place) => path.length > 0 && ruleAt(path)?.mapType === 'atomic';

/** The live object with the applied fields; neither argument is changed. */
export function mergeApplied(live: JsonObject, applied: JsonObject, ruleAt: RuleAt): JsonObject {
  return mergeMembers(live, applied, { path: [], ruleAt });
}

function merge(live: unknown, applied: unknown, place: Place): unknown {
  if (Array.isArray(applied) && Array.isArray(live)) return mergeLists(live, applied, place);
  return mergeOne(live, applied, place);
}

function mergeOne(live: unknown, applied: unknown, place: Place): unknown {
  if (!isObject(applied) || !isObject(live) || isAtomic(place)) return cloneJson(applied);
  return mergeMembers(live, applied, place);
}

function mergeMembers(live: JsonObject, applied: JsonObject, place: Place): JsonObject {
  const result = { ...live };
  for (const [field, value] of Object.entries(applied)) {
    const at = below(place, field);
    if (value === null) delete result[field];
    else if (result[field] !== undefined || !isEmptyMergedList(value, at))
      result[field] = merge(result[field], value, at);
  }
  return result;
}

/** Nobody owns a list that is merged by its items and has none. */
function isEmptyMergedList(value: unknown, { path, ruleAt }: Place): boolean {
  return Array.isArray(value) && value.length === 0 && itemsByElement(value, ruleAt(path)) !== undefined;
}

/** Applied items in their order; those of others stay before the item they were before. */
function mergeLists(live: readonly unknown[], applied: readonly unknown[], place: Place): unknown[] {
  const rule = place.ruleAt(place.path);
  const [present, given] = [itemsByElement(live, rule), itemsByElement(applied, rule)];
  if (!present || !given) return cloneJson([...applied]);
  const result: unknown[] = [];
  const theirs = [...present];
  const common = [...given.keys()].filter((element) => present.has(element));
  let [passed, shared] = [0, 0];
  for (const [element, item] of given) {
    // Up to the item itself, or to the next one that both have.
    for (let next = theirs[passed]; next; next = theirs[passed]) {
      const isTheirs = !given.has(next[0]);
      if (!isTheirs && next[0] !== element && next[0] === common[shared]) break;
      passed++;
      if (isTheirs) result.push(next[1]);
      else if (next[0] === element) break;
    }
    result.push(present.has(element) ? mergeOne(present.get(element), item, place) : cloneJson(item));
    if (element === common[shared]) shared++;
  }
  return [...result, ...theirs.slice(passed).flatMap(([element, item]) => (given.has(element) ? [] : [item]))];
}

/** Fields that were applied before: what is in `last` goes, unless it is in `kept`, with all that is below it. */
export function pruneFields(
  object: JsonObject,
  { last, kept, ruleAt }: { last: FieldSet; kept: FieldSet; ruleAt: RuleAt },
): JsonObject {
  const root = { path: [], ruleAt };
  const everything = { ...kept, 'f:metadata': kept['f:metadata'] ?? { 'f:name': LEAF } };
  return pruneMembers(object, { last, kept: everything }, root);
}

interface Sets {
  readonly last: FieldSet;
  readonly kept: FieldSet;
}

function prune(value: unknown, sets: Sets, place: Place): unknown {
  if (Array.isArray(value)) return pruneItems(value, sets, place);
  return isObject(value) ? pruneMembers(value, sets, place) : value;
}

function pruneItems(list: readonly unknown[], { last, kept }: Sets, place: Place): unknown[] {
  const rule = place.ruleAt(place.path);
  const keys = new Set(mapKeysOf(rule)?.map((key) => `f:${key}`));
  return list.flatMap((item) => {
    const element = itemElement(item, rule) ?? '';
    const before = last[element];
    if (before === undefined) return [item];
    const now = kept[element];
    if (isMember(before) && !isMember(now)) return [];
    if (!isObject(item)) return [item];
    // An item keeps what it is known by.
    const fields = Object.fromEntries(Object.entries(before).filter(([field]) => !keys.has(field)));
    return [pruneMembers(item, { last: fields, kept: now ?? LEAF }, place)];
  });
}

/** A field with anything in `kept` below it stays itself. */
function pruneMembers(object: JsonObject, { last, kept }: Sets, place: Place): JsonObject {
  let result = object;
  for (const [element, before] of Object.entries(last)) {
    const field = element.slice(2);
    if (!element.startsWith('f:') || !Object.hasOwn(object, field)) continue;
    const now = kept[element];
    if (now === undefined) {
      const { [field]: _, ...others } = result;
      result = others;
      continue;
    }
    const value = prune(object[field], { last: before, kept: now }, below(place, field));
    if (value !== object[field]) result = { ...result, [field]: value };
  }
  return result;
}
