import type { MergeRule } from '../seam.ts';
import { isObject, type JsonObject } from './patches.ts';
import type { RuleAt } from './strategic-patch.ts';

/** meta/v1 FieldsV1: `f:name` a field, `k:{...}` a list item by its keys, `v:...` a set item; `{}` is a leaf. */
export type FieldSet = { [element: string]: FieldSet };

const NOT_OWNED = new Set(['apiVersion', 'kind']);
const NOT_OWNED_METADATA = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'managedFields',
  'selfLink',
  'generateName',
]);

/** The fields an applied configuration names, as server-side apply records them. */
export function fieldSetOf(applied: JsonObject, ruleAt: RuleAt): FieldSet {
  const set: FieldSet = {};
  for (const [field, value] of Object.entries(applied)) {
    if (NOT_OWNED.has(field)) continue;
    const members = field === 'metadata' && isObject(value) ? withoutIdentity(value) : value;
    if (field !== 'metadata' || Object.keys(members as object).length > 0)
      set[`f:${field}`] = elements(members, [field], ruleAt);
  }
  return set;
}

function withoutIdentity(metadata: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !NOT_OWNED_METADATA.has(key)));
}

function elements(value: unknown, path: readonly string[], ruleAt: RuleAt): FieldSet {
  const rule = ruleAt(path);
  const set: FieldSet = {};
  if (isObject(value) && rule?.mapType !== 'atomic') {
    for (const [field, member] of Object.entries(value)) set[`f:${field}`] = elements(member, [...path, field], ruleAt);
  } else if (Array.isArray(value)) {
    for (const item of value) {
      const element = itemElement(item, rule);
      if (element !== undefined)
        set[element] = isObject(item) ? { '.': {}, ...elements(item, path, withoutList(ruleAt, path)) } : {};
    }
  }
  return set;
}

/** An item of the list at `path` is at the same path; the list's own rule must not be taken for the item's. */
function withoutList(ruleAt: RuleAt, path: readonly string[]): RuleAt {
  return (at) => (at.length === path.length ? undefined : ruleAt(at));
}

/** Of the keys of lists only `protocol` has a default; an item without it is the same as one with it. */
const KEY_DEFAULTS: JsonObject = { protocol: 'TCP' };

/** How the item is named in its list; undefined when the list is atomic. */
export function itemElement(item: unknown, rule: MergeRule | undefined): string | undefined {
  const keys = mapKeysOf(rule);
  if (keys && isObject(item)) {
    const pairs = [...keys].sort().map((key) => [key, item[key] ?? KEY_DEFAULTS[key]]);
    return `k:${JSON.stringify(Object.fromEntries(pairs.filter(([, value]) => value !== undefined)))}`;
  }
  return isSet(rule) ? `v:${JSON.stringify(item)}` : undefined;
}

export function mapKeysOf(rule: MergeRule | undefined): readonly string[] | undefined {
  if (rule?.listType === 'atomic' || rule?.listType === 'set') return undefined;
  if (rule?.listType === 'map' && rule.listMapKeys?.length) return rule.listMapKeys;
  return rule?.patchStrategy.includes('merge') && rule.patchMergeKey ? [rule.patchMergeKey] : undefined;
}

export function isSet(rule: MergeRule | undefined): boolean {
  return (
    rule?.listType === 'set' ||
    (rule?.listType === undefined && Boolean(rule?.patchStrategy.includes('merge') && !rule.patchMergeKey))
  );
}

/** What `a` has and none of `others` has. */
export function subtract(a: FieldSet, others: readonly FieldSet[]): FieldSet {
  const rest: FieldSet = {};
  for (const [element, below] of Object.entries(a)) {
    const same = others.flatMap((other) => (other[element] ? [other[element]] : []));
    if (same.length === 0) rest[element] = below;
    else if (Object.keys(below).length > 0) {
      const left = subtract(below, same);
      if (Object.keys(left).length > 0) rest[element] = left;
    }
  }
  return rest;
}
