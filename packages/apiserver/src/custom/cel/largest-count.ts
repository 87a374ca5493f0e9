import { type JsonSchema, valuesSchema } from '../json-schema.ts';

/** Bytes of the largest body the server takes. */
const LARGEST_OBJECT = 3 * 1024 * 1024;
const LEAST_BYTES: Readonly<Record<string, number>> = { boolean: 4, integer: 1, number: 1, array: 2, string: 2 };

/** How many items or members a value of the schema may have: what it says, or what the largest object has room for. */
export function largestCount(schema: JsonSchema): number {
  const { type, items, maxItems, maxProperties } = schema;
  const values = valuesSchema(schema);
  const said = type === 'array' ? maxItems : maxProperties;
  // A member has a name, two quotation marks and a colon.
  const room = type === 'array' ? leastBytes(items) : leastBytes(values) + 4;
  return Math.min(said ?? Number.POSITIVE_INFINITY, Math.floor(LARGEST_OBJECT / (room + 1)));
}

/** The length of the shortest JSON of a value. */
function leastBytes(schema: JsonSchema | undefined): number {
  if (!schema) return 1;
  if (schema.type !== 'object') return (LEAST_BYTES[schema.type ?? ''] ?? 1) + (schema.minLength ?? 0);
  const needed = (schema.required ?? []).filter((name) => schema.properties?.[name]?.default === undefined);
  return needed.reduce((sum, name) => sum + name.length + 4 + leastBytes(schema.properties?.[name]), 2);
}
