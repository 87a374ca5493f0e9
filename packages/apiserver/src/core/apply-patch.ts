import { cloneJson, equalJson } from '@podwire/kube';
import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.js';
import { type FieldSet, fieldSetOf, isSet, itemElement, mapKeysOf, subtract } from './field-set.ts';
import { isObject, type JsonObject } from './patches.ts';
import type { RuleAt } from './strategic-patch.ts';

export interface ApplyOptions {
  readonly fieldManager: string;
  readonly apiVersion: string;
  readonly ruleAt: RuleAt;
  readonly now: string;
}

/**
 * Server-side apply without conflicts: the applied fields win, lists are merged by their keys, and fields this
 * manager applied before and no longer names are removed unless another manager applied them too. Records the manager's
 * entry in metadata.managedFields. `current` is undefined for a new object.
 */
export function applyPatch(current: JsonObject | undefined, applied: JsonObject, options: ApplyOptions): JsonObject {
  const { fieldManager, apiVersion, ruleAt, now } = options;
  const entries = managedFieldsOf(current);
  const mine = entries.find((entry) => isMine(entry, options));
  const others = entries.filter((entry) => entry !== mine);
  const fieldsV1 = fieldSetOf(applied, ruleAt);
  const kept = others.flatMap((entry) => (entry.operation === 'Apply' ? [entry.fieldsV1 as FieldSet] : []));
  const dropped = subtract((mine?.fieldsV1 ?? {}) as FieldSet, [fieldsV1, ...kept]);
  const base = current ? (removeFields(current, dropped, { path: [], ruleAt }) as JsonObject) : {};
  const { managedFields: _, ...metadata } = (applied.metadata ?? {}) as JsonObject;
  const merged = merge(base, { ...applied, metadata }, { path: [], ruleAt }) as JsonObject;
  const unchanged = mine && equalJson(mine.fieldsV1, fieldsV1) && current && equalJson(current, merged);
  const time = unchanged ? (mine.time ?? now) : now;
  const entry: ManagedFieldsEntry = {
    manager: fieldManager,
    operation: 'Apply',
    apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1,
  };
  return { ...merged, metadata: { ...(merged.metadata as JsonObject), managedFields: [...others, entry] } };
}

function managedFieldsOf(object: JsonObject | undefined): ManagedFieldsEntry[] {
  return ((object?.metadata as { managedFields?: ManagedFieldsEntry[] } | undefined)?.managedFields ?? []).slice();
}

function isMine(entry: ManagedFieldsEntry, { fieldManager }: ApplyOptions): boolean {
  return entry.manager === fieldManager && entry.operation === 'Apply' && !entry.subresource;
}

interface Place {
  readonly path: readonly string[];
  readonly ruleAt: RuleAt;
}

const below = ({ path, ruleAt }: Place, field: string): Place => ({ path: [...path, field], ruleAt });

function merge(target: unknown, applied: unknown, place: Place): unknown {
  const rule = place.ruleAt(place.path);
  if (Array.isArray(applied) && Array.isArray(target)) return mergeLists(target, applied, place);
  if (!isObject(applied) || !isObject(target) || rule?.mapType === 'atomic') return cloneJson(applied);
  return mergeMembers(target, applied, place);
}

function mergeMembers(target: JsonObject, applied: JsonObject, place: Place): JsonObject {
  const result = { ...target };
  for (const [field, value] of Object.entries(applied)) {
    if (value === null) delete result[field];
    else result[field] = merge(result[field], value, below(place, field));
  }
  return result;
}

function mergeLists(target: readonly unknown[], applied: readonly unknown[], place: Place): unknown[] {
  const rule = place.ruleAt(place.path);
  if (!mapKeysOf(rule) && !isSet(rule)) return cloneJson([...applied]);
  const result = [...target];
  for (const item of applied) {
    const element = itemElement(item, place.ruleAt(place.path));
    const at = result.findIndex((present) => itemElement(present, rule) === element);
    if (at < 0) result.push(cloneJson(item));
    else if (isObject(item)) result[at] = mergeMembers(result[at] as JsonObject, item, place);
  }
  return result;
}

/** The value without the fields of the set; an emptied list item or object goes with its last field when owned (`.`). */
function removeFields(value: unknown, set: FieldSet, place: Place): unknown {
  if (Array.isArray(value)) {
    const kept = value.map((item) => {
      const gone = set[itemElement(item, place.ruleAt(place.path)) ?? ''];
      if (!gone) return item;
      return Object.keys(gone).length === 0 || gone['.']
        ? undefined
        : removeFields(item, withoutKeys(gone, place), place);
    });
    return kept.filter((item) => item !== undefined);
  }
  if (!isObject(value)) return value;
  const result = { ...value };
  for (const [element, gone] of Object.entries(set)) {
    const field = element.slice(2);
    if (!element.startsWith('f:') || result[field] === undefined) continue;
    if (Object.keys(gone).length === 0) delete result[field];
    else result[field] = removeFields(result[field], gone, below(place, field));
    if (isEmptied(result[field])) delete result[field];
  }
  return result;
}

/** A list item keeps what it is known by. */
function withoutKeys(set: FieldSet, place: Place): FieldSet {
  const keys = mapKeysOf(place.ruleAt(place.path)) ?? [];
  return Object.fromEntries(Object.entries(set).filter(([element]) => !keys.includes(element.slice(2))));
}

function isEmptied(value: unknown): boolean {
  return (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0);
}
