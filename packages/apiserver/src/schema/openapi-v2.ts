import { openApiDocument, type PublishedSchema, type ServedKind } from './openapi.ts';

export type Json = { [key: string]: unknown };

/** The part of OpenAPI 2.0 (Swagger) a Kubernetes server publishes. */
export interface OpenApiV2 {
  readonly swagger: '2.0';
  readonly info: { readonly title: string; readonly version: string };
  /** Operations by path and method. */
  readonly paths: { readonly [path: string]: { readonly [method: string]: Json } };
  readonly definitions: { readonly [name: string]: Json };
}

/** Version 3 says what else a value may be, version 2 has one type. */
const NAMED_SCALARS: Readonly<Record<string, Json>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: 'string' },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: 'string', format: 'int-or-string' },
};

/** Words version 2 has not, or that mean something else there. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'nullable',
  'x-kubernetes-validations',
]);

/**
 * One document of all kinds in OpenAPI 2.0, which kubectl up to 1.28 explains and checks by, and newer ones check the
 * items of lists by.
 */
export function openApiV2Document(kinds: readonly ServedKind[], published?: PublishedSchema): OpenApiV2 {
  const { paths, components } = openApiDocument(kinds, published);
  const definitions = Object.entries(components.schemas).map(
    ([name, schema]) => [name, NAMED_SCALARS[name] ?? schemaToV2(schema as Json)] as const,
  );
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'v1.33.0' },
    paths: mapValues(paths, (item) => mapValues(item as Json, (operation) => operationToV2(operation as Json))),
    definitions: Object.fromEntries(definitions),
  };
}

function operationToV2({ responses: _, parameters, ...rest }: Json): Json {
  const query = (parameters as readonly { name: string }[]).map(({ name }) => ({ name, in: 'query', type: 'string' }));
  return { ...rest, parameters: query, responses: { 200: { description: 'OK' } } };
}

function schemaToV2(schema: Json): Json {
  const { $ref, allOf, nullable } = schema;
  const target = $ref ?? (allOf as readonly Json[] | undefined)?.find((one) => one.$ref)?.$ref;
  if (typeof target === 'string') {
    const { description, ...rest } = schema;
    const extensions = Object.entries(rest).filter(([key]) => key.startsWith('x-kubernetes-'));
    const name = target.replace('#/components/schemas/', '#/definitions/');
    return { ...(description ? { description } : {}), $ref: name, ...Object.fromEntries(extensions) };
  }
  // Version 2 knows no null: what may be null is not described further.
  const untyped = nullable ? ['type', 'items', 'properties', 'additionalProperties', 'required', 'enum'] : [];
  const kept = Object.entries(schema).filter(([key]) => !LEFT_OUT.has(key) && !untyped.includes(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, partToV2(key, value)]));
}

function partToV2(key: string, value: unknown): unknown {
  if (key === 'properties') return mapValues(value as Json, (one) => schemaToV2(one as Json));
  const isSchema = (key === 'items' || key === 'additionalProperties') && typeof value === 'object';
  return isSchema ? schemaToV2(value as Json) : value;
}

function mapValues<T>(object: Json, change: (value: unknown) => T): { [key: string]: T } {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
