import type { FieldErrors } from '../../schema/field-errors.ts';
import { isObject, type JsonSchema, valuesSchema } from '../json-schema.ts';
import { PatternError, patternOf } from '../pattern/index.ts';
import { hasShape } from './schema-shape.ts';

/** What only the outer schema may say: in allOf, anyOf, oneOf and not there are conditions only. */
const OUTER_ONLY = [
  'additionalProperties',
  'default',
  'description',
  'nullable',
  'title',
  'type',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-list-type',
  'x-kubernetes-map-type',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
] as const;

/** Checks allOf, anyOf, oneOf and not of a schema: each field they have conditions for must be one of the schema's. */
export function validateCombinations(schema: JsonSchema, at: string, errors: FieldErrors): void {
  for (const [path, condition] of conditionsOf(schema, at)) validateCondition(schema, condition, { path, errors });
}

function conditionsOf(schema: JsonSchema, at: string): (readonly [path: string, condition: JsonSchema])[] {
  const lists = (['allOf', 'anyOf', 'oneOf'] as const).flatMap((field) =>
    (schema[field] ?? []).map((one, index) => [`${at}.${field}[${index}]`, one] as const),
  );
  return schema.not ? [...lists, [`${at}.not`, schema.not]] : lists;
}

interface Context {
  readonly path: string;
  readonly errors: FieldErrors;
}

function validateCondition(outer: JsonSchema, condition: JsonSchema, { path, errors }: Context): void {
  if (!hasShape(condition, path, errors)) return;
  for (const field of OUTER_ONLY) {
    const isIntOrString = field === 'type' && outer['x-kubernetes-int-or-string'] === true;
    if (condition[field as keyof JsonSchema] !== undefined && !isIntOrString) {
      errors.forbidden(`${path}.${field}`, 'must be empty to be structural');
    }
  }
  if (Object.hasOwn(condition, '$ref')) errors.forbidden(`${path}.$ref`, '$ref is not supported');
  if (condition.pattern !== undefined) checkPattern(condition.pattern, path, errors);
  for (const [name, below] of Object.entries(condition.properties ?? {})) {
    const inner = outer.properties?.[name] ?? valuesSchema(outer);
    const at = `${path}.properties[${name}]`;
    if (inner) validateCondition(inner, below, { path: at, errors });
    else
      errors.required(
        at.replace(/\.(allOf|anyOf|oneOf|not)\b.*?(?=\.properties)/, ''),
        `because it is defined in ${at}`,
      );
  }
  if (isObject(condition.items))
    validateCondition(outer.items ?? {}, condition.items, { path: `${path}.items`, errors });
  for (const [below, one] of conditionsOf(condition, path)) validateCondition(outer, one, { path: below, errors });
}

function checkPattern(pattern: string, path: string, errors: FieldErrors): void {
  try {
    patternOf(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    errors.invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${error.message}`);
  }
}
