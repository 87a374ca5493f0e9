import type { Environment } from '@marcbachmann/cel-js';
import { isObject, type JsonSchema } from '../json-schema.ts';
import { spend } from './budget.ts';
import { celName } from './field-name.ts';
import { plainType, STRING, type ValueType } from './value-type.ts';

/** Of metadata expressions see only what does not change: the rest is for the server to check. */
const METADATA: JsonSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, generateName: { type: 'string' } },
};

/** The types of a schema and all that is in it, declared in an environment of CEL. */
export class SchemaTypes {
  readonly #environment: Environment;
  readonly #types = new Map<JsonSchema, ValueType>();
  #count = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** The type of the whole object: with apiVersion, kind and metadata. */
  rootOf(schema: JsonSchema): ValueType {
    return this.#remember(schema, () => this.#objectType(schema, true));
  }

  of(schema: JsonSchema): ValueType {
    const isResource = schema['x-kubernetes-embedded-resource'] === true;
    const isStruct = schema.properties !== undefined || isResource;
    return this.#remember(schema, () =>
      isStruct ? this.#objectType(schema, isResource) : plainType(schema, (below) => this.of(below)),
    );
  }

  #remember(schema: JsonSchema, make: () => ValueType): ValueType {
    const type = this.#types.get(schema) ?? make();
    this.#types.set(schema, type);
    return type;
  }

  #objectType(schema: JsonSchema, isResource: boolean): ValueType {
    const members = new Map<string, readonly [field: string, type: ValueType]>();
    for (const [property, below] of Object.entries(schema.properties ?? {})) {
      const field = celName(property);
      if (field !== undefined) members.set(property, [field, this.of(below)]);
    }
    if (isResource) {
      members.set('apiVersion', ['apiVersion', STRING]);
      members.set('kind', ['kind', STRING]);
      members.set('metadata', ['metadata', this.of(METADATA)]);
    }
    return this.#declare(members);
  }

  #declare(members: ReadonlyMap<string, readonly [field: string, type: ValueType]>): ValueType {
    const name = `Object${++this.#count}`;
    // A class of its own tells the values of one type from those of another.
    class Value extends Map<string, unknown> {}
    const fields = Object.fromEntries([...members.values()].map(([field, type]) => [field, type.name]));
    this.#environment.registerType(name, { ctor: Value, fields });
    this.#environment.registerOperator(`${name} == ${name}`, equalValues);
    return { name, convert: (value) => toStruct(new Value(), members, value), fields: new Map(members.values()) };
  }
}

function toStruct(
  struct: Map<string, unknown>,
  members: ReadonlyMap<string, readonly [field: string, type: ValueType]>,
  value: unknown,
): unknown {
  if (!isObject(value)) return undefined;
  for (const [property, [field, type]] of members) {
    const member = Object.hasOwn(value, property) ? value[property] : undefined;
    const converted = member === undefined || member === null ? undefined : type.convert(member);
    if (converted !== undefined) struct.set(field, converted);
  }
  return struct;
}

/** Of values an expression holds: structs, maps, lists, dates and scalars. */
export function equalValues(a: unknown, b: unknown): boolean {
  if (a instanceof Map && b instanceof Map) {
    spend(a.size / 10);
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && equalValues(value, b.get(key)));
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    spend(a.length / 10);
    return a.length === b.length && a.every((value, index) => equalValues(value, b[index]));
  }
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) return a.toString() === b.toString();
  return a === b;
}
