import { cloneJson, type Kind } from '@podwire/kube';
import { schemaOf } from '../schema/catalogue.ts';
import { decode, type JsonObject } from '../schema/decode.ts';
import { FieldErrors } from '../schema/field-errors.ts';
import { validateMetadata } from '../schema/metadata-validation.ts';
import type { ApiObject, MergeRule, Validated, ValidateOptions } from '../seam.ts';
import { hasRules, ruleCauses } from './cel/rule-validation.ts';
import { applyDefaults } from './default-values.ts';
import type { CustomDefinition } from './definition/definition.ts';
import { blocksRules, invalidCause } from './field-error.ts';
import { type JsonSchema, memberSchema } from './json-schema.ts';
import { prune } from './prune.ts';
import { valueCauses } from './value-validation.ts';

/** What `Schema.validateAndDefault` does, for an object of a custom resource. */
export function validateCustom(
  definition: CustomDefinition,
  kind: Kind,
  { input, options }: { input: ApiObject; options: ValidateOptions },
): Validated {
  const version = definition.versions.get(options.apiVersion ?? kind.apiVersion);
  const schema: JsonSchema = version?.schema ?? {};
  const metadata = decodedMetadata(input.metadata);
  const removed: string[] = [];
  const object = cloneJson(input) as unknown as JsonObject;
  prune(schema, object, removed);
  const unknown = [...metadata.unknown, ...removed.map((path) => `unknown field ${JSON.stringify(path)}`)];
  const found = { unknown: options.fieldValidation === 'Ignore' ? [] : unknown, warnings: [] };
  if (metadata.error !== undefined) return { object: input, ...found, decodeError: metadata.error, causes: [] };
  applyDefaults(schema, object);
  object.metadata = metadata.object;
  const errors = new FieldErrors();
  validateMetadata(kind.id, metadata.object, errors);
  const causes = [...errors.causes, ...valueCauses(schema, object, '', options.old)];
  if (!causes.some(blocksRules)) causes.push(...ruleCauses(schema, object, options.old));
  else if (hasRules(schema)) causes.push(invalidCause('', null, UNCHECKED));
  return { object: object as unknown as ApiObject, ...found, causes };
}

const UNCHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

function decodedMetadata(metadata: ApiObject['metadata']) {
  const type = schemaOf('meta/v1', 'ObjectMeta');
  if (!type) throw new TypeError('the catalogue has no ObjectMeta');
  const { object, unknown, error } = decode(type, metadata);
  return { object, error, unknown: unknown.map((text) => text.replace('"', '"metadata.')) };
}

/** How the list or map at a path of names is merged; the path steps into lists and maps without a name. */
export function customMergeRule(
  definition: CustomDefinition,
  kind: Kind,
  path: readonly string[],
): MergeRule | undefined {
  if (path[0] === 'metadata') return undefined;
  let at: JsonSchema | undefined = definition.versions.get(kind.apiVersion)?.schema;
  for (const name of path) at = at && memberSchema(at.items ?? at, name);
  return at && ruleOf(at);
}

function ruleOf(schema: JsonSchema): MergeRule {
  const listType = schema.type === 'array' ? (schema['x-kubernetes-list-type'] ?? 'atomic') : undefined;
  const listMapKeys = schema['x-kubernetes-list-map-keys'];
  const isAtomic = schema['x-kubernetes-map-type'] === 'atomic';
  return {
    patchStrategy: [],
    ...(listType ? { listType } : {}),
    ...(listMapKeys ? { listMapKeys } : {}),
    ...(isAtomic ? { mapType: 'atomic' as const } : {}),
  };
}
