import { isObject, type JsonObject } from '../schema/decode.ts';

/** One x-kubernetes-validations rule. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** JSONSchemaProps of apiextensions.k8s.io/v1, once it is known to be structural. */
export interface JsonSchema {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
}

/** The schema of all values of a map; undefined when properties are named, or anything goes. */
export function valuesSchema({ additionalProperties }: JsonSchema): JsonSchema | undefined {
  return isObject(additionalProperties) ? (additionalProperties as JsonSchema) : undefined;
}

/** The schema of one property by name, or of the map's values. */
export function memberSchema(schema: JsonSchema, name: string): JsonSchema | undefined {
  const { properties } = schema;
  if (properties && Object.hasOwn(properties, name)) return properties[name];
  return valuesSchema(schema);
}

/** Whether fields that no schema names are kept. */
export function keepsUnknown(schema: JsonSchema): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
}

/** `spec.a`, or `spec[a.b]`-free: Kubernetes joins by dots whatever the name. */
export function fieldPath(parent: string, name: string): string {
  return parent ? `${parent}.${name}` : name;
}

export { isObject, type JsonObject };
