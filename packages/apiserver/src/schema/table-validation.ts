import type { ResolvedType } from './catalogue.ts';
import { isObject, type JsonObject } from './decode.ts';
import type { FieldErrors } from './field-errors.ts';
import type { FieldSchema } from './notation.ts';

/** An object, where it is, and what was in its place before: parts the two share were checked then. */
interface Located {
  readonly value: JsonObject;
  readonly at: string;
  readonly old: unknown;
}

/** Checks what the tables say: required fields and fields with a closed set of values. `status` is not looked at. */
export function validateByTable(type: ResolvedType, object: Located, errors: FieldErrors): void {
  const { value: all, at: path, old } = object;
  const before = isObject(old) ? old : undefined;
  for (const { field, below } of checkedFields(type)) {
    if (path === '' && (field.name === 'status' || field.name === 'metadata')) continue;
    const value = all[field.name];
    if (value !== undefined && value === before?.[field.name]) continue;
    const at = path ? `${path}.${field.name}` : field.name;
    if (isEmpty(value)) {
      if (field.checked) errors.required(at);
    } else if (field.values && typeof value === 'string' && !field.values.includes(value)) {
      errors.unsupported(at, value, field.values);
    }
    if (below && value !== undefined) validateBelow(below, { value, at, old: before?.[field.name] }, errors);
  }
}

function validateBelow(
  type: ResolvedType,
  { value, at, old }: { readonly value: unknown; readonly at: string; readonly old: unknown },
  errors: FieldErrors,
): void {
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      const was = Array.isArray(old) ? old[index] : undefined;
      if (item !== was && isObject(item))
        validateByTable(type, { value: item, at: `${at}[${index}]`, old: was }, errors);
    });
  } else if (isObject(value)) {
    validateByTable(type, { value, at, old }, errors);
  }
}

interface CheckedField {
  readonly field: FieldSchema;
  readonly below: ResolvedType | undefined;
}

const checked = new WeakMap<ResolvedType, readonly CheckedField[]>();

/** The fields that are checked or hold objects. */
function checkedFields(type: ResolvedType): readonly CheckedField[] {
  const known = checked.get(type);
  if (known) return known;
  const all = [...type.fields.values()]
    .map((field) => ({ field, below: field.shape === 'map' ? undefined : type.typeOf(field) }))
    .filter(({ field, below }) => below || field.checked || field.values);
  checked.set(type, all);
  return all;
}

/** What Go's zero value would be: the real server cannot tell it from an absent field. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '' || value === 0) return true;
  return Array.isArray(value) && value.length === 0;
}
