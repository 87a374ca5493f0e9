import { equalJson } from '@podwire/kube';
import { type FieldSet, fieldNode, LEAF, type MutableFieldSet } from './field-set.ts';
import { itemsByElement } from './list-items.ts';
import { isObject, type JsonObject } from './patches.ts';
import type { RuleAt } from './strategic-patch.ts';

/** Fields that differ between two states of an object, as FieldsV1. */
export interface FieldChanges {
  /** Modified and added. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** What identifies an object, or the server says about it, belongs to nobody. */
const NOT_OWNED: ReadonlySet<string> = new Set(['apiVersion', 'kind']);
const NOT_OWNED_METADATA: ReadonlySet<string> = new Set(
  'name namespace uid resourceVersion generation creationTimestamp managedFields selfLink'.split(' '),
);

/** Fields every object has in Go, also when empty: they are never added. */
const STRUCTS: ReadonlySet<string> = new Set(
  'metadata spec template jobTemplate strategy updateStrategy status loadBalancer'.split(' '),
);

/** A place in an object; the path is only put together where it is needed. */
interface Place {
  readonly above: Place | undefined;
  readonly name: string;
  readonly ruleAt: RuleAt;
}

function ruleOf(place: Place) {
  const path: string[] = [];
  for (let at: Place | undefined = place; at?.above; at = at.above) path.push(at.name);
  return place.ruleAt(path.reverse());
}

const rootOf = (ruleAt: RuleAt): Place => ({ above: undefined, name: '', ruleAt });
const below = (above: Place, name: string): Place => ({ above, name, ruleAt: above.ruleAt });
const isAtomic = (place: Place) => place.above !== undefined && ruleOf(place)?.mapType === 'atomic';

function isIgnored({ above, name }: Place, field: string): boolean {
  if (above === undefined) return NOT_OWNED.has(field);
  return above.above === undefined && name === 'metadata' && NOT_OWNED_METADATA.has(field);
}

/**
 * How `next` differs from `old`; undefined when no owned field does. Parts the two share by reference cost nothing, and
 * the rules of the schema are asked only where something differs.
 */
export function fieldChanges(old: JsonObject, next: JsonObject, ruleAt: RuleAt): FieldChanges | undefined {
  const diff = compareObjects(old, next, rootOf(ruleAt));
  return diff && { changed: diff.changed ?? LEAF, removed: diff.removed ?? LEAF };
}

/** All fields of a new object, as the fields it changes. */
export function newFields(object: JsonObject, ruleAt: RuleAt): FieldSet {
  return structFields(object, rootOf(ruleAt)) ?? LEAF;
}

/** The fields an applied configuration names: leaves and items of lists. */
export function appliedFields(applied: JsonObject, ruleAt: RuleAt): FieldSet {
  const fields = objectFields(applied, rootOf(ruleAt), false);
  return fieldNode(false, fields) ?? LEAF;
}

/** As FieldChanges, of one field: undefined is nothing, LEAF the field itself. */
interface Diff {
  readonly changed: FieldSet | undefined;
  readonly removed: FieldSet | undefined;
}

const CHANGED: Diff = { changed: LEAF, removed: undefined };

function compareValues(old: unknown, next: unknown, place: Place): Diff | undefined {
  if (old === next) return undefined;
  if (isObject(old) && isObject(next)) return compareObjects(old, next, place);
  if (Array.isArray(old) && Array.isArray(next)) return compareLists(old, next, place);
  return CHANGED;
}

/** Gathers what differs in one object or list. */
class Members {
  readonly #changed: MutableFieldSet = {};
  readonly #removed: MutableFieldSet = {};

  add(element: string, { changed, removed }: Diff): void {
    if (changed) this.#changed[element] = changed;
    if (removed) this.#removed[element] = removed;
  }

  get diff(): Diff | undefined {
    const [changed, removed] = [fieldNode(false, this.#changed), fieldNode(false, this.#removed)];
    return changed || removed ? { changed, removed } : undefined;
  }
}

function compareObjects(old: JsonObject, next: JsonObject, place: Place): Diff | undefined {
  const members = new Members();
  for (const field of Object.keys(next)) {
    const [was, now] = [old[field], next[field]];
    if (was === now || now === undefined || isIgnored(place, field)) continue;
    const at = below(place, field);
    const isNew = was === undefined || was === null;
    const diff = isNew ? { changed: allFields(now, at), removed: undefined } : compareValues(was, now, at);
    if (diff) members.add(`f:${field}`, diff);
  }
  for (const field of Object.keys(old)) {
    if (old[field] === undefined || next[field] !== undefined || isIgnored(place, field)) continue;
    members.add(`f:${field}`, { changed: undefined, removed: allFields(old[field], below(place, field)) });
  }
  const { diff } = members;
  return diff && isAtomic(place) ? CHANGED : diff;
}

function compareLists(old: readonly unknown[], next: readonly unknown[], place: Place): Diff | undefined {
  const rule = ruleOf(place);
  const [before, after] = [itemsByElement(old, rule), itemsByElement(next, rule)];
  if (!before || !after) return equalJson(old, next) ? undefined : CHANGED;
  const members = new Members();
  for (const [element, item] of after) {
    const isNew = !before.has(element);
    const diff = isNew
      ? { changed: allItem(item, place), removed: undefined }
      : compareItems(before.get(element), item, place);
    if (diff) members.add(element, diff);
  }
  for (const [element, item] of before) {
    if (!after.has(element)) members.add(element, { changed: undefined, removed: allItem(item, place) });
  }
  return members.diff;
}

/** An item has the place of its list; items of sets are their own names. */
function compareItems(old: unknown, next: unknown, place: Place): Diff | undefined {
  return isObject(old) && isObject(next) ? compareObjects(old, next, place) : undefined;
}

/** A value with everything below it, each level a member. */
function allFields(value: unknown, place: Place): FieldSet {
  return fieldNode(true, fieldsBelow(value, place, true)) ?? LEAF;
}

function allItem(item: unknown, place: Place): FieldSet {
  return fieldNode(true, itemFields(item, place, true)) ?? LEAF;
}

/** `all`: containers are members too, as for updates; else only leaves and items, as for applied configurations. */
function fieldsBelow(value: unknown, place: Place, all: boolean): FieldSet {
  return Array.isArray(value) ? listFields(value, place, all) : itemFields(value, place, all);
}

function itemFields(value: unknown, place: Place, all: boolean): FieldSet {
  return isObject(value) && !isAtomic(place) ? objectFields(value, place, all) : LEAF;
}

function objectFields(value: JsonObject, place: Place, all: boolean): FieldSet {
  const fields: MutableFieldSet = {};
  for (const [field, member] of Object.entries(value)) {
    if (member === undefined || isIgnored(place, field)) continue;
    const at = below(place, field);
    const inside = fieldsBelow(member, at, all);
    const node = fieldNode(all || isLeaf(member, at), inside);
    if (node) fields[`f:${field}`] = node;
  }
  return fields;
}

/** Whether an applied value is owned itself: not so what is owned by its members. */
function isLeaf(value: unknown, place: Place): boolean {
  if (place.above?.above === undefined && place.name === 'metadata') return false;
  if (isObject(value)) return Object.keys(value).length === 0 || isAtomic(place);
  return !Array.isArray(value) || itemsByElement(value, ruleOf(place)) === undefined;
}

function listFields(list: readonly unknown[], place: Place, all: boolean): FieldSet {
  const fields: MutableFieldSet = {};
  for (const [element, item] of itemsByElement(list, ruleOf(place)) ?? [])
    fields[element] = fieldNode(true, itemFields(item, place, all)) ?? LEAF;
  return fields;
}

/** The fields of what exists in every object of its kind: its members are added, not the object. */
function structFields(value: JsonObject, place: Place): FieldSet | undefined {
  const fields: MutableFieldSet = {};
  for (const [field, member] of Object.entries(value)) {
    if (member === undefined || isIgnored(place, field)) continue;
    const at = below(place, field);
    const node = isObject(member) && STRUCTS.has(field) ? structFields(member, at) : newMember(member, at);
    if (node) fields[`f:${field}`] = node;
  }
  return fieldNode(false, fields);
}

/** `containers` is the one list that is there before it has items. */
function newMember(member: unknown, place: Place): FieldSet | undefined {
  if (place.name !== 'containers' || !Array.isArray(member)) return allFields(member, place);
  return fieldNode(false, listFields(member, place, true));
}
