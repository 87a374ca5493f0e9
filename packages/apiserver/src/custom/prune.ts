import { fieldPath, isObject, type JsonObject, type JsonSchema, keepsUnknown, memberSchema } from './json-schema.ts';

/** Fields every object has, and a resource embedded in another one. */
const OBJECT_FIELDS = new Set(['apiVersion', 'kind', 'metadata']);

/** Removes fields the schema does not name; their paths are added to `removed`. Changes `value`. */
export function prune(schema: JsonSchema, value: unknown, removed: string[], path = ''): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) for (const [index, item] of value.entries()) prune(items, item, removed, `${path}[${index}]`);
    return;
  }
  if (!isObject(value)) return;
  const isResource = path === '' || schema['x-kubernetes-embedded-resource'] === true;
  for (const name of Object.keys(value)) {
    if (isResource && OBJECT_FIELDS.has(name)) continue;
    pruneMember(schema, value, { name, path: fieldPath(path, name), removed });
  }
}

function pruneMember(
  schema: JsonSchema,
  object: JsonObject,
  { name, path, removed }: { name: string; path: string; removed: string[] },
): void {
  const below = memberSchema(schema, name);
  if (below) {
    prune(below, object[name], removed, path);
  } else if (!keepsUnknown(schema)) {
    delete object[name];
    removed.push(path);
  }
}
