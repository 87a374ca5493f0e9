import type { PodwireError } from '@podwire/base';
import { type Kind, statusError } from '@podwire/kube';
import type { Status, StatusCause, StatusDetails } from 'kubernetes-types/meta/v1.js';

type Resource = Pick<Kind, 'group' | 'plural'>;

/** `pods`, `deployments.apps`. */
export function qualified({ group, plural }: Resource): string {
  return group ? `${plural}.${group}` : plural;
}

/** `Pod`, `Deployment.apps`. */
export function qualifiedKind({ group, kind }: Pick<Kind, 'group' | 'kind'>): string {
  return group ? `${kind}.${group}` : kind;
}

function detailsOf({ group, plural }: Resource, name: string): StatusDetails {
  return group ? { name, group, kind: plural } : { name, kind: plural };
}

/** A Status of kind Failure as an error to throw; the words are those of the Kubernetes API server. */
export function failure(code: number, reason: string, message: string, details?: StatusDetails): PodwireError {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
  return statusError(details ? { ...status, details } : status);
}

export function success(details?: StatusDetails): Status {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' };
  return details ? { ...status, details } : status;
}

export function badRequest(message: string): PodwireError {
  return failure(400, 'BadRequest', message);
}

export function unauthorized(): PodwireError {
  return failure(401, 'Unauthorized', 'Unauthorized');
}

export function forbidden(resource: Resource, name: string, why: string, causes?: StatusCause[]): PodwireError {
  const details = detailsOf(resource, name);
  const message = `${qualified(resource)} "${name}" is forbidden: ${why}`;
  return failure(403, 'Forbidden', message, causes ? { ...details, causes } : details);
}

export function notFound(resource: Resource, name: string): PodwireError {
  return failure(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));
}

export function noSuchResource(): PodwireError {
  return failure(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function methodNotAllowed(): PodwireError {
  return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function alreadyExists(resource: Resource, name: string): PodwireError {
  const message = `${qualified(resource)} "${name}" already exists`;
  return failure(409, 'AlreadyExists', message, detailsOf(resource, name));
}

export function conflict(resource: Resource, name: string, why: string): PodwireError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return failure(409, 'Conflict', message, detailsOf(resource, name));
}

export function modifiedMeanwhile(resource: Resource, name: string): PodwireError {
  const why = 'the object has been modified; please apply your changes to the latest version and try again';
  return conflict(resource, name, why);
}

export function tooOld(asked: string | number, oldest: number): PodwireError {
  return failure(410, 'Expired', `too old resource version: ${asked} (${oldest})`);
}

export function tooLarge(limit: number): PodwireError {
  return failure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);
}

export function unsupportedMediaType(accepted: readonly string[]): PodwireError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return failure(415, 'UnsupportedMediaType', message);
}

export function tooManyRequests(): PodwireError {
  const message = 'the server has received too many requests and has asked us to try again later';
  return failure(429, 'TooManyRequests', message, { retryAfterSeconds: 1 });
}

export function internalError(message: string): PodwireError {
  return failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

export function unavailable(message: string): PodwireError {
  return failure(503, 'ServiceUnavailable', message);
}

/** 422: `Deployment.apps "a" is invalid: spec.replicas: ...`; several causes are put in brackets. */
export function invalid(
  kind: { readonly group: string; readonly kind: string },
  name: string,
  causes: readonly StatusCause[],
): PodwireError {
  const texts = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  const message = `${qualifiedKind(kind)} ${JSON.stringify(name)} is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`;
  const details: StatusDetails = { name, kind: kind.kind, causes: [...causes] };
  return failure(422, 'Invalid', message, kind.group ? { ...details, group: kind.group } : details);
}

export function required(field: string, detail?: string): StatusCause {
  return { reason: 'FieldValueRequired', message: detail ? `Required value: ${detail}` : 'Required value', field };
}

export function invalidValue(field: string, value: unknown, why: string): StatusCause {
  const message = `Invalid value: ${JSON.stringify(value) ?? 'null'}: ${why}`;
  return { reason: 'FieldValueInvalid', message, field };
}

export function forbiddenField(field: string, why: string): StatusCause {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field };
}
