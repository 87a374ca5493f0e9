import { isUtf8 } from 'node:buffer';
import { messageOf } from '@podwire/base';
import type { Kind } from '@podwire/kube';
import { decodeProtobuf, PROTOBUF_MEDIA_TYPE } from '../protobuf/index.ts';
import type { ApiObject, ApiRequest } from '../seam.ts';
import { toStored } from './conversion.ts';
import { duplicateFields } from './duplicate-fields.ts';
import { isObject, type JsonObject } from './patches.ts';
import { badRequest, unsupportedMediaType } from './status.ts';
import { YamlBodies } from './yaml-body.ts';

export const BODY_LIMIT = 3 * 1024 * 1024;
/** Deeper JSON is refused: copying and comparing are recursive. Manifests are at most a few dozen levels deep. */
const MAX_DEPTH = 256;

/** Of everything but patches, which have types of their own; no type means the first. */
const MEDIA_TYPES: readonly string[] = ['application/json', 'application/yaml', PROTOBUF_MEDIA_TYPE];

export function mediaType(request: ApiRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** What was sent. */
export interface Body {
  /** Undefined when there is nothing. */
  readonly data: unknown;
  /** `duplicate field "spec.replicas"`: what the client said twice. */
  readonly duplicates: readonly string[];
}

/** The body as plain data, from JSON, YAML or protobuf; undefined when there is none. Throws 400, 413, 415 and 429. */
export async function readData(request: ApiRequest): Promise<unknown> {
  return (await parsed(request))?.data;
}

/** As readData, of what will be stored. */
export async function readBody(request: ApiRequest): Promise<Body> {
  const { data, text } = (await parsed(request)) ?? {};
  const isAsked = text !== undefined && request.query.get('fieldValidation') !== 'Ignore';
  return { data, duplicates: isAsked ? duplicateFields(text, data) : [] };
}

interface Parsed {
  readonly data: unknown;
  /** When it was JSON. */
  readonly text?: string | undefined;
}

async function parsed(request: ApiRequest): Promise<Parsed | undefined> {
  const bytes = await request.body();
  if (bytes.length === 0) return undefined;
  const type = mediaType(request);
  if (request.method !== 'PATCH' && type !== '' && !MEDIA_TYPES.includes(type)) throw unsupportedMediaType(MEDIA_TYPES);
  const result = await parseBody(bytes, type);
  checkTree(result.data, 0);
  return result;
}

const yamlBodies = new YamlBodies();

async function parseBody(bytes: Buffer, type: string): Promise<Parsed> {
  if (type === PROTOBUF_MEDIA_TYPE) return { data: decodeProtobuf(bytes) };
  if (!isUtf8(bytes)) throw badRequest('the body is not valid UTF-8');
  const text = bytes.toString('utf8');
  const isYaml = type === 'application/yaml' || type === 'application/apply-patch+yaml';
  if (!isYaml) return { data: parseJsonBody(text), text };
  const data = jsonIn(text);
  return data === undefined ? { data: await yamlBodies.read(text) } : { data, text };
}

/** What client libraries send under the name of YAML. */
function jsonIn(text: string): unknown {
  try {
    return text.startsWith('{') ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function parseJsonBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`error decoding the body as JSON: ${messageOf(error)}`);
  }
}

function checkTree(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_DEPTH) throw badRequest(`the body is nested deeper than ${MAX_DEPTH} levels`);
  // Copies are made by assignment, where this name would set the prototype.
  if (Object.hasOwn(value, '__proto__')) throw badRequest('unknown field "__proto__"');
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) checkTree(value[i], depth + 1);
  else for (const name in value) checkTree((value as JsonObject)[name], depth + 1);
}

/** The body as an object of the kind, in its stored version. */
export function objectOf(data: unknown, kind: Kind, apiVersion: string): ApiObject {
  if (!isObject(data))
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): the body is not an object`);
  if (data.apiVersion !== undefined && data.apiVersion !== apiVersion) {
    const given = String(data.apiVersion);
    throw badRequest(`the API version in the data (${given}) does not match the expected API version (${apiVersion})`);
  }
  if (data.kind !== undefined && data.kind !== kind.kind) {
    const why = `converting (${String(data.kind)}) to (${kind.kind}): unknown conversion`;
    throw badRequest(`${String(data.kind)} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`);
  }
  const object = { ...data, apiVersion, kind: kind.kind, metadata: metadataOf(data, kind) } as unknown as ApiObject;
  return toStored(kind, object);
}

/** Checked here because names are needed before the schema sees the object. */
function metadataOf(data: JsonObject, kind: Kind): JsonObject {
  const metadata = data.metadata ?? {};
  if (!isObject(metadata)) throw wrongType(kind, { field: 'metadata', value: metadata, type: 'v1.ObjectMeta' });
  for (const field of ['name', 'generateName', 'namespace', 'uid', 'resourceVersion']) {
    const value = metadata[field];
    if (value === undefined || value === null || typeof value === 'string') continue;
    throw wrongType(kind, { field: `metadata.${field}`, value, type: 'string' });
  }
  return metadata;
}

function wrongType(kind: Kind, { field, value, type }: { field: string; value: unknown; type: string }): Error {
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  const why = `json: cannot unmarshal ${found} into Go struct field ${kind.kind}.${field} of type ${type}`;
  return badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`);
}
