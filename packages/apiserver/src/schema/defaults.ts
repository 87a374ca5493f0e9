import type { ResolvedType } from './catalogue.ts';
import { isObject, type JsonObject } from './decode.ts';
import type { FieldSchema } from './notation.ts';

/** Puts in the defaults that the tables name, for every object that is present. Changes `object`. */
export function applyTableDefaults(type: ResolvedType, object: JsonObject): void {
  for (const field of type.fields.values()) {
    if (object[field.name] === undefined && field.default !== undefined) {
      object[field.name] = structuredClone(field.default);
    }
    const below = type.typeOf(field);
    if (!below) continue;
    for (const value of valuesOf(field, object[field.name])) {
      if (isObject(value)) applyTableDefaults(below, value);
    }
  }
}

export function valuesOf(field: FieldSchema, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (field.shape === 'list') return Array.isArray(value) ? value : [];
  return field.shape === 'map' && isObject(value) ? Object.values(value) : [value];
}
