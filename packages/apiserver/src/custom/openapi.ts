import type { PublishedSchema, ServedKind } from '../schema/openapi.ts';
import type { CustomResources } from './custom-resources.ts';
import type { CustomVersion } from './definition/definition.ts';
import { isObject, type JsonObject, type JsonSchema } from './json-schema.ts';

const COMMON = {
  apiVersion: {
    type: 'string',
    description: 'The version of the schema this object is written in, with its group.',
  },
  kind: { type: 'string', description: 'The kind of the resource this object is.' },
};

/** Schemas of all custom resources, for the OpenAPI documents. */
export function publishedSchemas(custom: CustomResources): PublishedSchema {
  return (kind, metadata) => {
    const version = custom.definition(`${kind.plural}.${kind.group}`)?.versions.get(kind.apiVersion);
    return version && { name: customSchemaName(kind), schema: publishedSchema(version, metadata) };
  };
}

/** `com.example.stable.v1.CronTab`. */
function customSchemaName({ group, version, kind }: ServedKind): string {
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`;
}

/** The schema of a version as clients read it: with what every object has. `metadata` is the reference to ObjectMeta. */
function publishedSchema({ schema }: CustomVersion, metadata: JsonObject): JsonObject {
  const published = published3(schema);
  const own = isObject(published.properties) ? published.properties : {};
  const { apiVersion = COMMON.apiVersion, kind = COMMON.kind, metadata: _, ...rest } = own;
  return { ...published, type: 'object', properties: { apiVersion, kind, metadata, ...rest } };
}

/** In OpenAPI 3.0 x-kubernetes-int-or-string has no type; additionalProperties and the like are schemas themselves. */
function published3(schema: JsonSchema): JsonObject {
  const { properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, published3(one)])) }
      : {}),
    ...(items ? { items: published3(items) } : {}),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties: isObject(additionalProperties)
            ? published3(additionalProperties as JsonSchema)
            : additionalProperties,
        }),
  };
}
