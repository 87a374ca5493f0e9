import type { StatusCause } from '../seam.ts';
import { cause, invalidCause, typeCause } from './field-error.ts';
import type { JsonSchema } from './json-schema.ts';
import { PatternError, patternOf } from './pattern/index.ts';
import { isOfFormat } from './string-formats.ts';

export function stringCauses(schema: JsonSchema, value: string, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format } = schema;
  const length = [...value].length;
  if (length > maxLength) {
    causes.push(cause('FieldValueTooLong', path, `Too long: may not be more than ${maxLength} bytes`));
  }
  if (length < minLength) {
    causes.push(invalidCause(path, value, `${path} in body should be at least ${minLength} chars long`));
  }
  if (pattern && !matchesPattern(pattern, value)) {
    causes.push(invalidCause(path, value, `${path} in body should match '${pattern}'`));
  }
  if (format && !isOfFormat(format, value)) {
    causes.push(typeCause(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`));
  }
  return causes;
}

/** An expression that is none, or a text that takes too long, is no match. */
function matchesPattern(pattern: string, value: string): boolean {
  try {
    return patternOf(pattern).test(value);
  } catch (error) {
    if (error instanceof PatternError) return false;
    throw error;
  }
}

const INTEGERS: Readonly<Record<string, number>> = { int32: 2 ** 31, int64: 2 ** 63 };

export function numberCauses(schema: JsonSchema, value: number, path: string): StatusCause[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = schema;
  const wrong: string[] = [];
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    wrong.push(`should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`);
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    wrong.push(`should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`);
  }
  if (multipleOf && !isMultiple(value, multipleOf)) wrong.push(`should be a multiple of ${multipleOf}`);
  const limit = INTEGERS[format ?? ''];
  if (limit !== undefined && (value >= limit || value < -limit)) {
    wrong.push(`should be a ${format} number`);
  }
  return wrong.map((detail) => invalidCause(path, value, `${path} in body ${detail}`));
}

function isMultiple(value: number, factor: number): boolean {
  const ratio = value / factor;
  return Math.abs(ratio - Math.round(ratio)) < 1e-9;
}
