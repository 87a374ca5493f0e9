import type { FieldErrors } from '../../schema/field-errors.ts';
import { isObject, type JsonSchema } from '../json-schema.ts';

type Shape = 'string' | 'number' | 'boolean' | 'list' | 'object' | 'schema' | 'schemas' | 'map' | 'any';

/** What JSON the fields of a schema are. */
const SHAPES: Readonly<Record<string, Shape>> = {
  $ref: 'string',
  $schema: 'string',
  additionalItems: 'any',
  additionalProperties: 'any',
  allOf: 'schemas',
  anyOf: 'schemas',
  default: 'any',
  definitions: 'map',
  dependencies: 'object',
  description: 'string',
  enum: 'list',
  example: 'any',
  exclusiveMaximum: 'boolean',
  exclusiveMinimum: 'boolean',
  externalDocs: 'object',
  format: 'string',
  id: 'string',
  items: 'any',
  maxItems: 'number',
  maxLength: 'number',
  maxProperties: 'number',
  maximum: 'number',
  minItems: 'number',
  minLength: 'number',
  minProperties: 'number',
  minimum: 'number',
  multipleOf: 'number',
  not: 'schema',
  nullable: 'boolean',
  oneOf: 'schemas',
  pattern: 'string',
  patternProperties: 'map',
  properties: 'map',
  required: 'list',
  title: 'string',
  type: 'string',
  uniqueItems: 'boolean',
  'x-kubernetes-embedded-resource': 'boolean',
  'x-kubernetes-int-or-string': 'boolean',
  'x-kubernetes-list-map-keys': 'list',
  'x-kubernetes-list-type': 'string',
  'x-kubernetes-map-type': 'string',
  'x-kubernetes-preserve-unknown-fields': 'boolean',
  'x-kubernetes-validations': 'list',
};

/** Whether the fields of a schema are of the JSON they must be: what is in `items` is decoded by nobody before. */
export function hasShape(schema: JsonSchema, at: string, errors: FieldErrors): boolean {
  let sound = true;
  for (const [field, value] of Object.entries(schema)) {
    const shape = SHAPES[field];
    if (shape === undefined || isOf(shape, value)) continue;
    sound = false;
    errors.invalid(`${at}.${field}`, value, `must be of type ${shape}`);
  }
  return sound;
}

function isOf(shape: Shape, value: unknown): boolean {
  switch (shape) {
    case 'any':
      return true;
    case 'list':
      return Array.isArray(value);
    case 'object':
    case 'schema':
      return isObject(value);
    case 'map':
      return isObject(value) && Object.values(value).every(isObject);
    case 'schemas':
      return Array.isArray(value) && value.every(isObject);
    default:
      return typeof value === shape;
  }
}
