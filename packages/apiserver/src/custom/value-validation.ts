import { equalJson } from '@podwire/kube';
import type { StatusCause } from '../seam.ts';
import { combinationCauses } from './combination-validation.ts';
import { cause, invalidCause, typeCause } from './field-error.ts';
import { fieldPath, isObject, type JsonObject, type JsonSchema, memberSchema } from './json-schema.ts';
import { listCauses } from './list-validation.ts';
import { previousItems } from './previous-items.ts';
import { numberCauses, stringCauses } from './scalar-validation.ts';

/**
 * What is wrong with a value, in the words of Kubernetes. What is as it was in `old` is let pass, as is a value that
 * was already invalid before its schema said so (KEP-4008, ratcheting).
 */
export function valueCauses(schema: JsonSchema, value: unknown, path: string, old?: unknown): StatusCause[] {
  if (old !== undefined && equalJson(value, old)) return [];
  if (value === null && schema.nullable) return [];
  const type = typeOf(value);
  if (!isOfType(schema, value)) {
    const wanted = schema['x-kubernetes-int-or-string'] ? 'integer,string' : schema.type;
    return [typeCause(path, type, `${path} in body must be of type ${wanted}: ${JSON.stringify(type)}`)];
  }
  const causes = [...enumCauses(schema, value, path), ...combinationCauses(schema, value, path)];
  if (typeof value === 'string') causes.push(...stringCauses(schema, value, path));
  else if (typeof value === 'number') causes.push(...numberCauses(schema, value, path));
  else if (Array.isArray(value)) causes.push(...arrayCauses(schema, value, path, old));
  else if (isObject(value)) causes.push(...objectCauses(schema, value, path, old));
  return causes;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function isOfType(schema: JsonSchema, value: unknown): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value);
  const { type } = schema;
  if (type === undefined || type === '')
    return value !== null || schema['x-kubernetes-preserve-unknown-fields'] === true;
  const given = typeOf(value);
  return given === type || (given === 'integer' && type === 'number');
}

function enumCauses(schema: JsonSchema, value: unknown, path: string): StatusCause[] {
  const allowed = schema.enum;
  if (!allowed || allowed.some((one) => equalJson(one, value))) return [];
  const list = allowed.map((one) => JSON.stringify(typeof one === 'string' ? one : JSON.stringify(one))).join(', ');
  return [
    cause('FieldValueNotSupported', path, `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`),
  ];
}

function arrayCauses(schema: JsonSchema, list: readonly unknown[], path: string, old: unknown): StatusCause[] {
  const before = previousItems(schema, list, old);
  const { items } = schema;
  const below = items ? list.flatMap((item, i) => valueCauses(items, item, `${path}[${i}]`, before[i])) : [];
  return [...listCauses(schema, list, path), ...below];
}

function objectCauses(schema: JsonSchema, object: JsonObject, path: string, old: unknown): StatusCause[] {
  const causes: StatusCause[] = [];
  const count = Object.keys(object).length;
  const { minProperties = 0, maxProperties = Number.POSITIVE_INFINITY, required = [] } = schema;
  if (count < minProperties) {
    causes.push(invalidCause(path, count, `${path} in body should have at least ${minProperties} properties`));
  }
  if (count > maxProperties) {
    causes.push(cause('FieldValueTooMany', path, `Too many: ${count}: must have at most ${maxProperties} items`));
  }
  for (const name of required)
    if (!Object.hasOwn(object, name)) causes.push(cause('FieldValueRequired', fieldPath(path, name), 'Required value'));
  if (schema['x-kubernetes-embedded-resource']) causes.push(...resourceCauses(object, path));
  const before = isObject(old) ? old : {};
  for (const [name, member] of Object.entries(object)) {
    if (path === '' && (name === 'apiVersion' || name === 'kind' || name === 'metadata')) continue;
    const below = memberSchema(schema, name);
    if (below) causes.push(...valueCauses(below, member, fieldPath(path, name), ownMember(before, name)));
  }
  return causes;
}

/** Names such as `constructor` are those of fields, too. */
function ownMember(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** An object in an object must say what it is. */
function resourceCauses(object: JsonObject, path: string): StatusCause[] {
  return ['apiVersion', 'kind'].flatMap((name) => {
    const value = object[name];
    const at = fieldPath(path, name);
    if (value === undefined || value === '')
      return [cause('FieldValueRequired', at, 'Required value: must not be empty')];
    return typeof value === 'string' ? [] : [invalidCause(at, value, 'must be a string')];
  });
}
