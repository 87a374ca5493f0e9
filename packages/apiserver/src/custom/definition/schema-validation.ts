import type { FieldErrors } from '../../schema/field-errors.ts';
import { applyDefaults } from '../default-values.ts';
import { isObject, type JsonSchema, valuesSchema } from '../json-schema.ts';
import { PatternError, patternOf } from '../pattern/index.ts';
import { prune } from '../prune.ts';
import { valueCauses } from '../value-validation.ts';
import { validateCombinations } from './combined-schema-validation.ts';
import { validateListType } from './list-type-validation.ts';
import { hasShape } from './schema-shape.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const UNSUPPORTED = ['$ref', 'additionalItems', 'definitions', 'dependencies', 'id', 'patternProperties'];
/** Deeper schemas are refused: what walks through them is recursive. */
const MAX_DEPTH = 100;

/** Where a schema is: at the top, in a list, or in an object. */
export type Role = 'root' | 'item' | 'field';

/** Checks that a schema is structural (KEP-1693): so that it says of each field what it is. */
export function validateSchema(schema: JsonSchema, at: string, errors: FieldErrors): void {
  new SchemaValidation(errors).visit(schema, { at, role: 'root', depth: 0 });
}

interface Place {
  readonly at: string;
  readonly role: Role;
  readonly depth: number;
}

class SchemaValidation {
  readonly #errors: FieldErrors;

  constructor(errors: FieldErrors) {
    this.#errors = errors;
  }

  visit(schema: JsonSchema, place: Place): void {
    const { at, depth } = place;
    if (depth > MAX_DEPTH) {
      this.#errors.invalid(at, 'object', `schema is nested deeper than ${MAX_DEPTH} levels`);
      return;
    }
    if (!hasShape(schema, at, this.#errors)) return;
    const before = this.#errors.causes.length;
    this.#refuseUnsupported(schema, at);
    this.#checkType(schema, place);
    this.#checkPattern(schema, at);
    validateListType(schema, at, this.#errors);
    validateCombinations(schema, at, this.#errors);
    this.#children(schema, place);
    if (this.#errors.causes.length === before) this.#checkDefault(schema, at);
  }

  #children(schema: JsonSchema, { at, depth }: Place): void {
    for (const [name, below] of Object.entries(schema.properties ?? {}))
      this.visit(below, { at: `${at}.properties[${name}]`, role: 'field', depth: depth + 1 });
    const values = valuesSchema(schema);
    if (values) this.visit(values, { at: `${at}.additionalProperties`, role: 'field', depth: depth + 1 });
    if (isObject(schema.items)) this.visit(schema.items, { at: `${at}.items`, role: 'item', depth: depth + 1 });
  }

  #refuseUnsupported(schema: JsonSchema, at: string): void {
    const { uniqueItems, additionalProperties, properties, items } = schema;
    for (const field of UNSUPPORTED)
      if (Object.hasOwn(schema, field)) this.#errors.forbidden(`${at}.${field}`, `${field} is not supported`);
    if (uniqueItems) {
      const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
      this.#errors.forbidden(`${at}.uniqueItems`, why);
    }
    if (additionalProperties === false) {
      this.#errors.forbidden(`${at}.additionalProperties`, 'additionalProperties cannot be set to false');
    }
    if (additionalProperties !== undefined && Object.keys(properties ?? {}).length > 0) {
      this.#errors.forbidden(`${at}.additionalProperties`, 'additionalProperties and properties are mutual exclusive');
    }
    if (Array.isArray(items)) this.#errors.forbidden(`${at}.items`, 'items must be a schema object and not an array');
  }

  #checkType(schema: JsonSchema, { at, role }: Place): void {
    const { type, items } = schema;
    const isResource = schema['x-kubernetes-embedded-resource'];
    if (schema['x-kubernetes-int-or-string']) {
      if (type) this.#errors.invalid(`${at}.type`, type, 'must be empty if x-kubernetes-int-or-string is true');
    } else if (!type) {
      if (role === 'root' || !schema['x-kubernetes-preserve-unknown-fields']) {
        this.#errors.required(`${at}.type`, `must not be empty ${WHERE[role]}`);
      }
    } else if (!TYPES.includes(type)) {
      this.#errors.unsupported(`${at}.type`, type, TYPES);
    } else if (type !== 'object' && (role === 'root' || isResource)) {
      const when = isResource ? 'if x-kubernetes-embedded-resource is true' : 'at the root';
      this.#errors.invalid(`${at}.type`, type, `must be object ${when}`);
    }
    if (type === 'array' && !isObject(items)) this.#errors.required(`${at}.items`, 'must be specified');
    if (isResource && !schema.properties && !schema['x-kubernetes-preserve-unknown-fields']) {
      const why =
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
      this.#errors.required(`${at}.properties`, why);
    }
  }

  #checkPattern({ pattern }: JsonSchema, at: string): void {
    if (pattern === undefined) return;
    try {
      patternOf(pattern);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      const why = `must be a valid regular expression, but isn't: ${error.message}`;
      this.#errors.invalid(`${at}.pattern`, pattern, why);
    }
  }

  /** A default must be what the schema allows, and name no fields it does not have. */
  #checkDefault(schema: JsonSchema, at: string): void {
    if (schema.default === undefined) return;
    const value = structuredClone(schema.default);
    const removed: string[] = [];
    prune(schema, value, removed, 'default');
    for (const path of removed) this.#errors.invalid(`${at}.${path}`, 'object', 'must not have unknown fields');
    applyDefaults(schema, value);
    for (const { field, message } of valueCauses(schema, value, 'default')) {
      const path = field?.startsWith('default') ? field : 'default';
      this.#errors.invalid(`${at}.${path}`, schema.default, message ?? '');
    }
  }
}

const WHERE: Readonly<Record<Role, string>> = {
  root: 'at the root',
  item: 'for specified array items',
  field: 'for specified object fields',
};
