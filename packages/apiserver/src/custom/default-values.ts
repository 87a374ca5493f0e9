import { isObject, type JsonSchema, memberSchema } from './json-schema.ts';

/** Fills in the defaults of fields that are absent, or null where null is not allowed. Changes `value`. */
export function applyDefaults(schema: JsonSchema, value: unknown): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) for (const item of value) applyDefaults(items, item);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const present = Object.hasOwn(value, name) ? value[name] : undefined;
    const isNull = present === null && !property.nullable;
    if ((isNull || present === undefined) && property.default !== undefined) {
      value[name] = structuredClone(property.default);
    }
  }
  for (const [name, member] of Object.entries(value)) {
    const below = memberSchema(schema, name);
    if (below && member !== null) applyDefaults(below, member);
  }
}
