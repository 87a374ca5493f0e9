import { mergeApplied } from './apply-merge.ts';
import { appliedFields, fieldChanges } from './field-changes.ts';
import { difference, type FieldSet, LEAF } from './field-set.ts';
import { isObject, type JsonObject } from './patches.ts';
import type { RuleAt } from './strategic-patch.ts';

/** Where `kubectl apply` without --server-side keeps what it applied last. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** All annotations together, as the validation has it. */
const MAX_BYTES = 256 * 1024;

/**
 * The fields kubectl once applied by itself and that nobody changed since: kubectl may take them over without force
 * when it applies server-side for the first time.
 */
export function allowedByLastApplied(live: JsonObject, ruleAt: RuleAt): FieldSet {
  const last = lastAppliedOf(live);
  if (!last) return LEAF;
  const changes = fieldChanges(live, mergeApplied(live, last, ruleAt), ruleAt);
  const fields = appliedFields(last, ruleAt);
  return changes ? difference(fields, changes.changed) : fields;
}

function lastAppliedOf(object: JsonObject): JsonObject | undefined {
  const text = annotationsOf(object)[LAST_APPLIED];
  if (typeof text !== 'string') return undefined;
  try {
    const last: unknown = JSON.parse(text);
    return isObject(last) ? last : undefined;
  } catch {
    return undefined;
  }
}

/** An object that has the annotation keeps it up to date, so that one can go back to applying without the server. */
export function withLastApplied(object: JsonObject, applied: JsonObject): JsonObject {
  const annotations = annotationsOf(object);
  if (annotations[LAST_APPLIED] === undefined) return object;
  const { [LAST_APPLIED]: _, ...others } = annotations;
  const text = `${JSON.stringify(withoutAnnotation(applied))}\n`;
  const isTooLarge = text.length + JSON.stringify(others).length > MAX_BYTES;
  const next = isTooLarge ? others : { ...others, [LAST_APPLIED]: text };
  return { ...object, metadata: { ...(object.metadata as JsonObject), annotations: next } };
}

function withoutAnnotation(applied: JsonObject): JsonObject {
  const { [LAST_APPLIED]: _, ...annotations } = annotationsOf(applied);
  if (!isObject(applied.metadata) || !applied.metadata.annotations) return applied;
  return { ...applied, metadata: { ...applied.metadata, annotations } };
}

function annotationsOf({ metadata }: JsonObject): JsonObject {
  return isObject(metadata) && isObject(metadata.annotations) ? metadata.annotations : {};
}
