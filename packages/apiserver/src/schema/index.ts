import type { Event, Kind, KindId } from '@podwire/kube';
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';
import { customMergeRule, validateCustom } from '../custom/custom-schema.ts';
import type { CustomDefinition } from '../custom/definition/definition.ts';
import type { ApiObject, MergeRule, Schema, Validated, ValidateOptions } from '../seam.ts';
import { ATOMIC_TYPES } from './atomic-types.ts';
import { fieldAt, type ResolvedType, schemaOf } from './catalogue.ts';
import { decode, isObject, type JsonObject } from './decode.ts';
import { applyTableDefaults } from './defaults.ts';
import { validateEvent } from './event-validation.ts';
import { FieldErrors } from './field-errors.ts';
import { applyKindDefaults, hasKindDefaults, REWRITTEN } from './kind-defaults.ts';
import { kindWarnings, looksAtStatus, validateKind, validateKindUpdate, validateNew } from './kind-validation.ts';
import { validateMetadata } from './metadata-validation.ts';
import type { FieldSchema } from './notation.ts';
import { validateByTable } from './table-validation.ts';

export { openApiDocument, type PublishedSchema, type ServedKind } from './openapi.ts';

/** Where custom resources are defined. */
interface Definitions {
  definition(id: KindId): CustomDefinition | undefined;
}

/** What the API server knows about the fields of its kinds, from the tables in this folder and from definitions. */
export function createSchema(custom?: Definitions): Schema {
  return {
    validateAndDefault: (kind, input, options) => {
      const definition = custom?.definition(kind.id);
      return definition
        ? validateCustom(definition, kind, { input, options })
        : validateAndDefault(kind, input, options);
    },
    mergeRule: (kind, path) => {
      const definition = custom?.definition(kind.id);
      if (!definition) return mergeRule(schemaOf(kind.apiVersion, kind.kind), path);
      const [root, ...below] = path;
      return root === 'metadata'
        ? mergeRule(schemaOf('meta/v1', 'ObjectMeta'), below)
        : customMergeRule(definition, kind, path);
    },
  };
}

function validateAndDefault(kind: Kind, input: ApiObject, options: ValidateOptions): Validated {
  const type = schemaOf(kind.apiVersion, kind.kind);
  if (!type) return { object: input, unknown: [], warnings: [], causes: metadataCauses(kind, input.metadata) };
  const { old } = options;
  const before = REWRITTEN.has(kind.id) ? undefined : (old as JsonObject | undefined);
  const keep = hasKindDefaults(kind.id) ? 'fields' : 'parts';
  const { object, unknown: found, error } = decode(type, input, { old: before, keep });
  const unknown = options.fieldValidation === 'Ignore' ? [] : found;
  if (error !== undefined) return { object: input, unknown, decodeError: error, warnings: [], causes: [] };
  applyTableDefaults(type, object, before);
  applyKindDefaults(kind.id, object, old === undefined);
  const causes = validate(type, kind, object, options);
  const warnings = causes.length === 0 ? kindWarnings(kind.id, object) : [];
  return { object: object as unknown as ApiObject, unknown, warnings, causes };
}

function validate(type: ResolvedType, kind: Kind, object: JsonObject, options: ValidateOptions): Validated['causes'] {
  const errors = new FieldErrors();
  const metadata: ObjectMeta = isObject(object.metadata) ? object.metadata : {};
  const before = options.old as JsonObject | undefined;
  if (!isSameMetadata(metadata, options.old?.metadata)) validateMetadata(kind.id, metadata, errors);
  validateByTable(type, { value: object, at: '', old: before }, errors);
  if (before && !looksAtStatus(kind.id) && isSameButStatus(object, before)) return errors.causes;
  validateKind(kind.id, object, errors);
  if (before) validateKindUpdate({ kind: kind.id, subresource: options.subresource }, object, before, errors);
  else validateNew(kind.id, object, errors);
  if (kind.id === 'Event') {
    const { old, apiVersion } = options;
    validateEvent({ event: object as unknown as Event, old: old as Event | undefined, apiVersion }, errors);
  }
  return errors.causes;
}

/** Whether only metadata and status are other than they were. */
function isSameButStatus(object: JsonObject, old: JsonObject): boolean {
  const isSame = (field: string) => field === 'metadata' || field === 'status' || object[field] === old[field];
  return Object.keys(object).every(isSame) && Object.keys(old).every(isSame);
}

const CHECKED_METADATA = ['name', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/** Whether all that is checked of the metadata is what was checked before. */
function isSameMetadata(metadata: ObjectMeta, old: ObjectMeta | undefined): boolean {
  return old !== undefined && CHECKED_METADATA.every((field) => metadata[field] === old[field]);
}

/** Of a kind that has no table. */
function metadataCauses(kind: Kind, metadata: ApiObject['metadata']): Validated['causes'] {
  const errors = new FieldErrors();
  validateMetadata(kind.id, metadata, errors);
  return errors.causes;
}

function mergeRule(type: ResolvedType | undefined, path: readonly string[]): MergeRule | undefined {
  const field = type && fieldAt(type, path);
  if (!field) return undefined;
  const known = rules.get(field) ?? ruleOf(field);
  rules.set(field, known);
  return known;
}

const rules = new WeakMap<FieldSchema, MergeRule>();

function ruleOf({ list, patch, atomicMap, type }: FieldSchema): MergeRule {
  return {
    patchStrategy: patch?.strategy.split(',') ?? [],
    ...(patch?.mergeKey === undefined ? {} : { patchMergeKey: patch.mergeKey }),
    ...(list ? { listType: list.type } : {}),
    ...(list?.type === 'map' ? { listMapKeys: list.keys } : {}),
    ...(atomicMap || ATOMIC_TYPES.has(type) ? { mapType: 'atomic' as const } : {}),
  };
}
