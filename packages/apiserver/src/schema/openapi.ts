import type { Kind } from '@podwire/kube';
import { type ResolvedType, schemaOf } from './catalogue.ts';
import type { FieldSchema } from './notation.ts';

type Json = { [key: string]: unknown };

const SCALARS: Readonly<Record<string, Json>> = {
  string: { type: 'string' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  number: { type: 'number', format: 'double' },
  bool: { type: 'boolean' },
  time: { type: 'string', format: 'date-time' },
  microtime: { type: 'string', format: 'date-time' },
  bytes: { type: 'string', format: 'byte' },
  quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  intOrString: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  object: { type: 'object' },
  // Not empty: kubectl takes an empty schema for none.
  any: { 'x-kubernetes-preserve-unknown-fields': true },
};

/** Scalars that have a name in documents. */
const NAMED_SCALARS: Readonly<Record<string, string>> = {
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
};

/** What kubectl reads out of the operations: which verbs check fields, and which kind they are about. */
const PARAMETERS = [
  { name: 'dryRun', in: 'query', schema: { type: 'string' } },
  { name: 'fieldManager', in: 'query', schema: { type: 'string' } },
  { name: 'fieldValidation', in: 'query', schema: { type: 'string' } },
];

/** A kind as one group version serves it. */
export type ServedKind = Pick<Kind, 'kind' | 'group' | 'version' | 'apiVersion' | 'plural' | 'namespaced'> & {
  /** Subresources that are objects of this kind; absent: none. */
  readonly parts?: readonly string[];
};

/** The schema of a kind that has no table, given that of `metadata`. */
export type PublishedSchema = (
  kind: ServedKind,
  metadata: Json,
) => { readonly name: string; readonly schema: Json } | undefined;

interface OpenApiV3 {
  readonly openapi: string;
  readonly info: Json;
  /** Operations by path and method. */
  readonly paths: Json;
  readonly components: { readonly schemas: Json };
}

/** The OpenAPI 3.0 document of one group version with the schemas its kinds reach. */
export function openApiDocument(kinds: readonly ServedKind[], published?: PublishedSchema): OpenApiV3 {
  const schemas: Json = {};
  const paths: Json = {};
  for (const kind of kinds) {
    const name = addKind(kind, schemas, published);
    if (name === undefined) continue;
    Object.assign(paths, pathsOf(kind, name));
    const schema = schemas[name] as Json;
    schema['x-kubernetes-group-version-kind'] = [gvkOf(kind)];
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.33.0' }, paths, components: { schemas } };
}

/** The name of the kind's schema; undefined when there is none. */
function addKind(kind: ServedKind, schemas: Json, published: PublishedSchema | undefined): string | undefined {
  const type = schemaOf(kind.apiVersion, kind.kind);
  if (type) {
    addSchema(type, schemas);
    return type.qualifiedName;
  }
  const metadata = schemaOf('meta/v1', 'ObjectMeta');
  const own = metadata && published?.(kind, { allOf: [reference(metadata.qualifiedName)] });
  if (!own) return undefined;
  addSchema(metadata, schemas);
  schemas[own.name] = own.schema;
  return own.name;
}

function gvkOf({ group, version, kind }: ServedKind): Json {
  return { group, version, kind };
}

function pathsOf(kind: ServedKind, name: string): Json {
  const base = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`;
  const collection = `${base}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.plural}`;
  const operation = (action: string): Json => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvkOf(kind),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema: reference(name) } } } },
    parameters: PARAMETERS,
  });
  const onePath = (part: string) => [
    `${collection}/{name}${part}`,
    { get: operation('get'), put: operation('put'), patch: operation('patch') },
  ];
  return {
    [collection]: { get: operation('list'), post: operation('post') },
    ...Object.fromEntries(['', ...(kind.parts ?? []).map((part) => `/${part}`)].map(onePath)),
  };
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function addSchema(type: ResolvedType, schemas: Json): void {
  if (schemas[type.qualifiedName]) return;
  const properties: Json = {};
  const required: string[] = [];
  const schema: Json = { type: 'object', properties };
  schemas[type.qualifiedName] = schema;
  for (const field of type.fields.values()) {
    const below = type.typeOf(field);
    properties[field.name] = { ...shapeOf(field, below), ...extensionsOf(field) };
    if (field.required) required.push(field.name);
    if (below) addSchema(below, schemas);
    const scalar = NAMED_SCALARS[field.type];
    if (scalar !== undefined) schemas[scalar] ??= { ...SCALARS[field.type] };
  }
  if (required.length > 0) schema.required = required;
}

function shapeOf(field: FieldSchema, below: ResolvedType | undefined): Json {
  const named = below?.qualifiedName ?? NAMED_SCALARS[field.type];
  const one = named === undefined ? { ...SCALARS[field.type] } : reference(named);
  if (field.shape === 'list') return { type: 'array', items: one };
  if (field.shape === 'map') return { type: 'object', additionalProperties: one };
  // A $ref has no neighbours in OpenAPI 3.0.
  if (named !== undefined) return { allOf: [one] };
  return { ...one, ...(field.values ? { enum: field.values } : {}) };
}

function extensionsOf({ list, patch, atomicMap }: FieldSchema): Json {
  return {
    ...(patch ? { 'x-kubernetes-patch-strategy': patch.strategy } : {}),
    ...(patch?.mergeKey ? { 'x-kubernetes-patch-merge-key': patch.mergeKey } : {}),
    ...(list ? { 'x-kubernetes-list-type': list.type } : {}),
    ...(list?.type === 'map' ? { 'x-kubernetes-list-map-keys': list.keys } : {}),
    ...(atomicMap ? { 'x-kubernetes-map-type': 'atomic' } : {}),
  };
}
