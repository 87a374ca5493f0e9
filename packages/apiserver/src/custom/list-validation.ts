import { equalJson } from '@podwire/kube';
import type { StatusCause } from '../seam.ts';
import { cause, invalidCause } from './field-error.ts';
import { isObject, type JsonSchema } from './json-schema.ts';
import { itemIdentity } from './previous-items.ts';

/** What is wrong with a list as a whole: how long it is, and items that cannot be told apart. */
export function listCauses(schema: JsonSchema, list: readonly unknown[], path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
  if (list.length < minItems) {
    causes.push(invalidCause(path, list.length, `${path} in body should have at least ${minItems} items`));
  }
  if (list.length > maxItems) {
    return [cause('FieldValueTooMany', path, `Too many: ${list.length}: must have at most ${maxItems} items`)];
  }
  const type = schema['x-kubernetes-list-type'];
  if (type === 'map' || type === 'set') causes.push(...duplicateCauses(schema, list, path));
  else if (schema.uniqueItems && hasTwins(list)) {
    causes.push(invalidCause(path, 'array', `${path} in body shouldn't contain duplicates`));
  }
  return causes;
}

function hasTwins(list: readonly unknown[]): boolean {
  return list.some((item, i) => list.findIndex((other) => equalJson(item, other)) !== i);
}

function duplicateCauses(schema: JsonSchema, list: readonly unknown[], path: string): StatusCause[] {
  const seen = new Set<string>();
  return list.flatMap((item, i) => {
    const identity = itemIdentity(schema, item);
    if (!seen.has(identity)) {
      seen.add(identity);
      return [];
    }
    return [cause('FieldValueDuplicate', `${path}[${i}]`, `Duplicate value: ${JSON.stringify(named(schema, item))}`)];
  });
}

/** Of an item of a map the keys only. */
function named(schema: JsonSchema, item: unknown): unknown {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (!keys || !isObject(item)) return item;
  return Object.fromEntries(keys.filter((key) => item[key] !== undefined).map((key) => [key, item[key]]));
}
