import { equalJson } from '@podwire/kube';
import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.js';
import type { ApiObject } from '../seam.ts';
import { mergeApplied, pruneFields } from './apply-merge.ts';
import { appliedFields, type FieldChanges, fieldChanges, newFields } from './field-changes.ts';
import { conflictError, type FieldConflict } from './field-conflict.ts';
import { difference, type FieldSet, intersection, LEAF, sortedFields, union } from './field-set.ts';
import { allowedByLastApplied, withLastApplied } from './last-applied.ts';
import {
  type Entries,
  entryOf,
  type FieldOwner,
  fieldsOf,
  inOrder,
  isOf,
  withManagedFields,
  withOwner,
  withoutFields,
} from './managed-fields.ts';
import type { JsonObject } from './patches.ts';
import type { RuleAt } from './strategic-patch.ts';

export interface ApplyOptions {
  readonly owner: FieldOwner;
  /** Takes over what others own. */
  readonly force: boolean;
  readonly ruleAt: RuleAt;
  readonly now: string;
}

/** Stands for whoever wrote an object before anything was applied to it, when nothing was recorded. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

/**
 * Server-side apply (KEP-555): the applied fields are merged into the object, lists by their keys; what the owner
 * applied before and no longer names goes unless somebody else owns it. Throws 409 where a field would change that
 * somebody else owns. metadata.managedFields of the result says who owns what; `current` is undefined for a new object.
 */
export function applyPatch(current: JsonObject | undefined, applied: JsonObject, options: ApplyOptions): JsonObject {
  const { owner, ruleAt } = options;
  const entries = entriesBefore(current, options);
  const mine = entries.find((entry) => isOf(entry, owner));
  const others = entries.filter((entry) => entry !== mine);
  const fields = appliedFields(applied, ruleAt);
  const merged = current ? mergeApplied(current, applied, ruleAt) : applied;
  const kept = others.reduce((all, entry) => union(all, fieldsOf(entry)), fields);
  const next = mine ? pruneFields(merged, { last: fieldsOf(mine), kept, ruleAt }) : merged;
  const changes = current && fieldChanges(current, next, ruleAt);
  const state: Outcome = { mine, others, fields, changes };
  checkConflicts(state, { current, options });
  const object = owner.manager === 'kubectl' && !owner.subresource ? withLastApplied(next, applied) : next;
  return withManagedFields(object as unknown as ApiObject, entriesAfter(state, options)) as unknown as JsonObject;
}

interface Outcome {
  readonly mine: ManagedFieldsEntry | undefined;
  readonly others: Entries;
  /** What the configuration names. */
  readonly fields: FieldSet;
  readonly changes: FieldChanges | undefined;
}

function entriesBefore(current: JsonObject | undefined, { owner: { apiVersion }, ruleAt, now }: ApplyOptions): Entries {
  const entries = (current?.metadata as { managedFields?: Entries } | undefined)?.managedFields ?? [];
  if (!current || entries.length > 0) return entries;
  const owner = { manager: BEFORE_FIRST_APPLY, operation: 'Update', apiVersion } as const;
  return withOwner([], { owner, added: newFields(current, ruleAt), now });
}

interface Attempt {
  readonly current: JsonObject | undefined;
  readonly options: ApplyOptions;
}

function checkConflicts({ others, changes }: Outcome, { current, options }: Attempt): void {
  if (options.force || !changes || !current) return;
  let conflicts = conflictsWith(others, changes.changed);
  if (conflicts.length > 0 && options.owner.manager === 'kubectl') {
    const allowed = allowedByLastApplied(current, options.ruleAt);
    conflicts = conflictsWith(others, difference(changes.changed, allowed));
  }
  if (conflicts.length > 0) throw conflictError(conflicts);
}

function conflictsWith(others: Entries, changed: FieldSet): FieldConflict[] {
  return others.flatMap((entry) => {
    const fields = intersection(fieldsOf(entry), changed);
    return Object.keys(fields).length > 0 ? [{ entry, fields }] : [];
  });
}

/** There is no conflict left: what changed is the owner's alone. */
function entriesAfter({ mine, others, fields, changes }: Outcome, { owner, now }: ApplyOptions): Entries {
  const rest = changes ? withoutFields(others, changes) : others;
  const owned = sortedFields(changes ? difference(fields, changes.removed) : fields);
  if (Object.keys(owned).length === 0) return inOrder(rest);
  const isSame = mine !== undefined && !changes && equalJson(mine.fieldsV1 ?? LEAF, owned);
  return inOrder([...rest, isSame ? mine : entryOf(owner, owned, now)]);
}
