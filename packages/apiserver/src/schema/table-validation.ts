import type { ResolvedType } from './catalogue.ts';
import { isObject, type JsonObject } from './decode.ts';
import type { FieldErrors } from './field-errors.ts';
import type { FieldSchema } from './notation.ts';

/** Checks what the tables say: required fields and fields with a closed set of values. `status` is not looked at. */
export function validateByTable(type: ResolvedType, object: JsonObject, path: string, errors: FieldErrors): void {
  for (const field of type.fields.values()) {
    if (path === '' && (field.name === 'status' || field.name === 'metadata')) continue;
    const value = object[field.name];
    const at = path ? `${path}.${field.name}` : field.name;
    if (isEmpty(value)) {
      if (field.checked) errors.required(at);
    } else if (field.values && typeof value === 'string' && !field.values.includes(value)) {
      errors.unsupported(at, value, field.values);
    }
    const below = type.typeOf(field);
    if (below && value !== undefined) validateBelow(below, field, { value, at }, errors);
  }
}

interface Located {
  readonly value: unknown;
  readonly at: string;
}

function validateBelow(type: ResolvedType, field: FieldSchema, { value, at }: Located, errors: FieldErrors): void {
  if (field.shape === 'list' && Array.isArray(value)) {
    value.forEach((item, index) => {
      if (isObject(item)) validateByTable(type, item, `${at}[${index}]`, errors);
    });
  } else if (isObject(value)) {
    validateByTable(type, value, at, errors);
  }
}

/** What Go's zero value would be: the real server cannot tell it from an absent field. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '' || value === 0) return true;
  return Array.isArray(value) && value.length === 0;
}
