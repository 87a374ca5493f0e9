import { equalJson } from '@podwire/kube';
import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.js';
import type { ApiObject } from '../seam.ts';
import { type FieldChanges, fieldChanges, newFields } from './field-changes.ts';
import { difference, type FieldSet, isFieldSet, LEAF, sortedFields, union } from './field-set.ts';
import { isObject, type JsonObject } from './patches.ts';
import type { RuleAt } from './strategic-patch.ts';

/** Who writes, as metadata.managedFields names it. */
export interface FieldOwner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  /** The version its fields are recorded in: the stored one. */
  readonly apiVersion: string;
  readonly subresource?: string | undefined;
}

export type Entries = readonly ManagedFieldsEntry[];

/** More entries of updates than this are merged, the oldest first, as Kubernetes does. */
const MAX_UPDATE_ENTRIES = 10;
const ANCIENT = 'ancient-changes';

export const fieldsOf = (entry: ManagedFieldsEntry | undefined): FieldSet => (entry?.fieldsV1 ?? LEAF) as FieldSet;

export interface Update {
  /** Undefined for a new object. */
  readonly old: ApiObject | undefined;
  readonly next: ApiObject;
  readonly owner: FieldOwner;
  readonly ruleAt: RuleAt;
  readonly now: string;
}

/**
 * The managedFields after a create or update: what it changed is the owner's and nobody else's. An object without any
 * stays so until something is applied to it; `managedFields: [{}]` in an update makes it one.
 */
export function entriesAfterUpdate({ old, next, owner, ruleAt, now }: Update): Entries {
  const entries = declaredEntries(next, old, owner);
  if (old && entries.length === 0) return [];
  const [was, is] = [old as unknown as JsonObject | undefined, next as unknown as JsonObject];
  const changes = was ? fieldChanges(was, is, ruleAt) : { changed: newFields(is, ruleAt), removed: LEAF };
  return changes ? withOwner(withoutFields(entries, changes, owner), { owner, added: changes.changed, now }) : entries;
}

/** The object with these as its managedFields; none at all when there are none. */
export function withManagedFields(object: ApiObject, entries: Entries): ApiObject {
  const { managedFields, ...metadata } = object.metadata;
  if (managedFields === entries || (managedFields === undefined && entries.length === 0)) return object;
  return {
    ...object,
    metadata: entries.length > 0 ? { ...metadata, managedFields: entries as ManagedFieldsEntry[] } : metadata,
  };
}

/** What the client says when it makes sense, else what is stored; nobody can say anything through a subresource. */
function declaredEntries(next: ApiObject, old: ApiObject | undefined, { subresource }: FieldOwner): Entries {
  const stored = old?.metadata.managedFields ?? [];
  const given = next.metadata.managedFields as unknown;
  if (subresource || !Array.isArray(given) || given.length === 0 || equalJson(given, stored)) return stored;
  if (given.length === 1 && isObject(given[0]) && Object.keys(given[0]).length === 0) return [];
  return given.every(isEntry) ? given.filter((entry) => !equalJson(entry.fieldsV1, {})) : stored;
}

function isEntry(value: unknown): value is ManagedFieldsEntry {
  if (!isObject(value)) return false;
  const { operation, fieldsType, fieldsV1, manager, apiVersion, subresource = '', time = '' } = value;
  const texts = [manager ?? '', apiVersion, subresource, time];
  return (
    (operation === 'Apply' || operation === 'Update') &&
    fieldsType === 'FieldsV1' &&
    texts.every((text) => typeof text === 'string') &&
    isFieldSet(fieldsV1)
  );
}

/** The entries without what changed (but for that of who changed it) or went; an entry that has nothing left goes too. */
export function withoutFields(entries: Entries, { changed, removed }: FieldChanges, owner?: FieldOwner): Entries {
  const kept = entries.flatMap((entry) => {
    const fields = fieldsOf(entry);
    const rest = difference(fields, removed);
    const left = owner && isOf(entry, owner) ? rest : difference(rest, changed);
    if (left === fields) return [entry];
    return Object.keys(left).length > 0 ? [{ ...entry, fieldsV1: left }] : [];
  });
  return kept.length === entries.length && kept.every((entry, i) => entry === entries[i]) ? entries : kept;
}

interface Addition {
  readonly owner: FieldOwner;
  readonly added: FieldSet;
  readonly now: string;
}

/** The entries with these fields in that of their owner, in the order of Kubernetes. */
export function withOwner(entries: Entries, { owner, added, now }: Addition): Entries {
  if (Object.keys(added).length === 0) return entries;
  const mine = entries.find((entry) => isOf(entry, owner));
  const fields = union(fieldsOf(mine), added);
  const hasAll = mine !== undefined && fields === mine.fieldsV1;
  if (hasAll && Object.isFrozen(entries)) return atTime(entries, mine, now);
  const others = entries.filter((entry) => entry !== mine);
  const entry = hasAll ? { ...mine, time: now } : entryOf(owner, fields, now);
  return inOrder(merged([...others, entry]));
}

/** Stored entries, one of them with this time. They stay frozen: a time has nothing in common with other objects. */
function atTime(entries: Entries, mine: ManagedFieldsEntry, time: string): Entries {
  if (mine.time === time) return entries;
  const renewed = Object.freeze({ ...mine, time });
  return Object.freeze(inOrder(entries.map((entry) => (entry === mine ? renewed : entry))));
}

export function entryOf(owner: FieldOwner, fields: FieldSet, time: string): ManagedFieldsEntry {
  const { manager, operation, apiVersion, subresource } = owner;
  const entry: ManagedFieldsEntry = { manager, operation, apiVersion, time, fieldsType: 'FieldsV1' };
  return { ...entry, fieldsV1: sortedFields(fields), ...(subresource ? { subresource } : {}) };
}

/** An applier is the same in every version. */
export function isOf(entry: ManagedFieldsEntry, { manager, operation, apiVersion, subresource }: FieldOwner): boolean {
  return (
    entry.manager === manager &&
    entry.operation === operation &&
    (operation === 'Apply' || entry.apiVersion === apiVersion) &&
    (entry.subresource ?? '') === (subresource ?? '')
  );
}

const rank = (entry: ManagedFieldsEntry): readonly string[] => [
  entry.operation ?? '',
  entry.time ?? '',
  entry.manager ?? '',
  entry.apiVersion ?? '',
  entry.subresource ?? '',
];

export function inOrder(entries: Entries): Entries {
  return [...entries].sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    const at = x.findIndex((text, i) => text !== y[i]);
    return at < 0 ? 0 : (x[at] ?? '') < (y[at] ?? '') ? -1 : 1;
  });
}

/** With not too many entries of updates. */
function merged(entries: Entries): Entries {
  const updates = inOrder(entries.filter(({ operation }) => operation === 'Update'));
  const surplus = updates.length - MAX_UPDATE_ENTRIES;
  if (surplus <= 0) return entries;
  const oldest = updates.slice(0, surplus + 1);
  const versions = Map.groupBy(oldest, ({ apiVersion }) => apiVersion ?? '');
  const buckets = [...versions].map(([apiVersion, group]) => {
    const fields = group.reduce<FieldSet>((all, entry) => union(all, fieldsOf(entry)), LEAF);
    return entryOf({ manager: ANCIENT, operation: 'Update', apiVersion }, fields, group.at(-1)?.time ?? '');
  });
  return [...entries.filter((entry) => !oldest.includes(entry)), ...buckets];
}
