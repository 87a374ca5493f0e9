import type { Json, OpenApiV2 } from '../schema/openapi-v2.ts';

/** Fields of the messages, as numbered by gnostic's OpenAPIv2.proto. */
const SCHEMA_TEXTS = { $ref: 1, format: 2, title: 3, description: 4 } as const;
const METHODS: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

/**
 * The document as the message openapi.v2.Document, with what clients of Kubernetes read of it: definitions, and per
 * operation its parameters of the query and the kind it is about.
 *
 * @see https://github.com/google/gnostic-models/blob/main/openapiv2/OpenAPIv2.proto
 */
export function encodeOpenApiV2({ swagger, info, paths, definitions }: OpenApiV2): Buffer {
  return join([
    text(1, swagger),
    message(2, [text(1, info.title), text(2, info.version)]),
    message(
      8,
      Object.entries(paths).map(([path, item]) => named(2, path, pathItem(item))),
    ),
    message(9, schemas(definitions)),
  ]);
}

type Parts = readonly Buffer[];

function schemas(all: Readonly<Record<string, Json>>): Parts {
  return Object.entries(all).map(([name, schema]) => named(1, name, schemaParts(schema)));
}

function pathItem(item: Readonly<Record<string, Json>>): Parts {
  return Object.entries(item).map(([method, operation]) => message(METHODS[method] ?? 0, operationParts(operation)));
}

function operationParts({ parameters, ...rest }: Json): Parts {
  // ParametersItem.parameter.non_body_parameter.query_parameter_sub_schema
  const query = (parameters as readonly { name: string; in: string; type: string }[]).map((one) =>
    message(8, [message(1, [message(2, [message(3, [text(2, one.in), text(4, one.name), text(6, one.type)])])])]),
  );
  return [...query, ...extensions(13, rest)];
}

function schemaParts(schema: Json): Parts {
  const { required, enum: values, additionalProperties, type, items, properties } = schema;
  const texts = Object.entries(SCHEMA_TEXTS).flatMap(([key, number]) => {
    const value = schema[key];
    return typeof value === 'string' ? [text(number, value)] : [];
  });
  return [
    ...texts,
    ...listOf(required).map((name) => text(19, String(name))),
    ...listOf(values).map((value) => message(20, [yaml(value)])),
    ...(typeof additionalProperties === 'boolean' ? [message(21, [varint(2, Number(additionalProperties))])] : []),
    ...(isSchema(additionalProperties) ? [message(21, [message(1, schemaParts(additionalProperties))])] : []),
    ...(typeof type === 'string' ? [message(22, [text(1, type)])] : []),
    ...(isSchema(items) ? [message(23, [message(1, schemaParts(items))])] : []),
    ...(isSchema(properties) ? [message(25, schemas(properties as Record<string, Json>))] : []),
    ...extensions(31, schema),
  ];
}

/** Vendor extensions, whose values are YAML. */
function extensions(number: number, object: Json): Parts {
  return Object.entries(object)
    .filter(([key]) => key.startsWith('x-'))
    .map(([key, value]) => named(number, key, [yaml(value)]));
}

/** JSON is YAML. */
function yaml(value: unknown): Buffer {
  return text(2, JSON.stringify(value));
}

function named(number: number, name: string, value: Parts): Buffer {
  return message(number, [text(1, name), message(2, value)]);
}

function isSchema(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function join(parts: Parts): Buffer {
  return Buffer.concat(parts);
}

function message(number: number, parts: Parts): Buffer {
  const body = join(parts);
  return join([tag(number, 2), base128(body.length), body]);
}

function text(number: number, value: string): Buffer {
  return message(number, [Buffer.from(value)]);
}

function varint(number: number, value: number): Buffer {
  return join([tag(number, 0), base128(value)]);
}

function tag(number: number, wireType: number): Buffer {
  return base128(number * 8 + wireType);
}

function base128(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
