import { KINDS } from '@podwire/kube';
import { badRequest } from '../core/status.ts';
import { REQUEST_TYPES, type ResolvedType, schemaOf } from '../schema/catalogue.ts';
import type { JsonObject } from '../schema/decode.ts';
import { decodeMessage } from './decode.ts';
import { messageOf } from './message.ts';
import { bytesOf } from './scalars.ts';
import { malformed, textOf, wireFields } from './wire.ts';

export const PROTOBUF_MEDIA_TYPE = 'application/vnd.kubernetes.protobuf';

const MAGIC = Buffer.from('k8s\0', 'latin1');
const BODIES: ReadonlySet<string> = new Set([
  ...KINDS.flatMap(({ apiVersion, otherVersions, kind }) => [apiVersion, ...otherVersions].map((v) => `${v} ${kind}`)),
  ...REQUEST_TYPES.map(([apiVersion, kind]) => `${apiVersion} ${kind}`),
]);

/**
 * A request body in the protobuf encoding as the object the JSON API has:
 *
 *     k8s\0 | runtime.Unknown { 1: TypeMeta { 1: apiVersion, 2: kind }, 2: message, 3: contentEncoding, 4: contentType }
 *
 * Throws 400 for whatever is not that.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) throw malformed('expected the prefix [107 56 115 0]');
  const { typeMeta, raw } = readUnknown(body.subarray(MAGIC.length));
  const { apiVersion, kind } = readTypeMeta(typeMeta);
  const type = bodyType(apiVersion, kind);
  if (!type || messageOf(type).entries.size === 0) {
    throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  }
  return { kind, apiVersion, ...decodeMessage(type, raw) };
}

/** DeleteOptions are known in every group version. */
function bodyType(apiVersion: string, kind: string): ResolvedType | undefined {
  if (kind === 'DeleteOptions') return schemaOf('meta/v1', kind);
  return BODIES.has(`${apiVersion} ${kind}`) ? schemaOf(apiVersion, kind) : undefined;
}

function readUnknown(bytes: Buffer): { typeMeta: Buffer; raw: Buffer } {
  let typeMeta: Buffer = Buffer.alloc(0);
  let raw: Buffer = Buffer.alloc(0);
  for (const wire of wireFields(bytes)) {
    if (wire.number === 1) typeMeta = bytesOf(wire);
    else if (wire.number === 2) raw = bytesOf(wire);
    else if (wire.number === 3 && bytesOf(wire).length > 0) throw malformed('its content has a further encoding');
  }
  return { typeMeta, raw };
}

function readTypeMeta(bytes: Buffer): { apiVersion: string; kind: string } {
  let apiVersion = '';
  let kind = '';
  for (const wire of wireFields(bytes)) {
    if (wire.number === 1) apiVersion = textOf(bytesOf(wire));
    else if (wire.number === 2) kind = textOf(bytesOf(wire));
  }
  return { apiVersion, kind };
}
