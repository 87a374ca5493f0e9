import { cloneJson } from '@podwire/kube';
import type { ResolvedType } from './catalogue.ts';
import { isObject, type JsonObject } from './decode.ts';
import type { FieldSchema } from './notation.ts';

/**
 * Puts in the defaults that the tables name, for every object that is present. Changes `object`, except for parts it has
 * in common with `old`, which have theirs.
 */
export function applyTableDefaults(type: ResolvedType, object: JsonObject, old?: unknown): void {
  const before = isObject(old) ? old : undefined;
  for (const { field, below } of defaultedFields(type)) {
    const { name } = field;
    if (object[name] === undefined && field.default !== undefined) object[name] = cloneJson(field.default);
    const value = object[name];
    if (below && value !== undefined && value !== before?.[name])
      eachValue(field, { value, old: before?.[name] }, (one, was) => applyTableDefaults(below, one, was));
  }
}

interface DefaultedField {
  readonly field: FieldSchema;
  /** The type of its objects when that has defaults itself. */
  readonly below: ResolvedType | undefined;
}

const defaulted = new WeakMap<ResolvedType, readonly DefaultedField[]>();

/** The fields that have a default or may hold an object that has one. */
function defaultedFields(type: ResolvedType): readonly DefaultedField[] {
  const known = defaulted.get(type);
  if (known) return known;
  const all = [...type.fields.values()].flatMap((field) => {
    const below = type.typeOf(field);
    const inside = below && reachesDefault(below, new Set()) ? below : undefined;
    return inside || field.default !== undefined ? [{ field, below: inside }] : [];
  });
  defaulted.set(type, all);
  return all;
}

function reachesDefault(type: ResolvedType, seen: Set<ResolvedType>): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  return [...type.fields.values()].some((field) => {
    const below = type.typeOf(field);
    return field.default !== undefined || (below !== undefined && reachesDefault(below, seen));
  });
}

/** Calls back with each object a field holds, and what was in its place before; not with those that are still there. */
function eachValue(
  { shape }: FieldSchema,
  { value, old }: { readonly value: unknown; readonly old: unknown },
  take: (value: JsonObject, old: unknown) => void,
): void {
  const one = (item: unknown, was: unknown): void => {
    if (item !== was && isObject(item)) take(item, was);
  };
  if (shape === 'list' && Array.isArray(value)) {
    for (const [index, item] of value.entries()) one(item, Array.isArray(old) ? old[index] : undefined);
  } else if (shape === 'map' && isObject(value)) {
    for (const key of Object.keys(value)) one(value[key], isObject(old) ? old[key] : undefined);
  } else if (shape === 'one') one(value, old);
}
