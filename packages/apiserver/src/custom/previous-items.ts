import { isObject, type JsonSchema } from './json-schema.ts';

/** What each item of a list was before, where that can be told: by the keys of a map, by the value of a set. */
export function previousItems(schema: JsonSchema, list: readonly unknown[], old: unknown): readonly unknown[] {
  if (!Array.isArray(old)) return [];
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'map' && type !== 'set') return [];
  const identity = (item: unknown) => itemIdentity(schema, item);
  const before = new Map(old.map((item) => [identity(item), item]));
  return list.map((item) => before.get(identity(item)));
}

/** A text that is the same for items that are the same item of a set or map. */
export function itemIdentity(schema: JsonSchema, item: unknown): string {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (!keys || !isObject(item)) return JSON.stringify(item);
  return JSON.stringify(keys.map((key) => item[key] ?? null));
}
