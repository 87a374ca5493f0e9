import { type ErrorCodeTable, PodwireError } from '@podwire/base';
import type { Status } from 'kubernetes-types/meta/v1.js';

export const KUBE_ERRORS = {
  KUBE_NOT_FOUND: 'the object, its namespace or the kind does not exist',
  KUBE_CONFLICT: 'the object has changed since it was read, or a precondition failed',
  KUBE_ALREADY_EXISTS: 'an object of that name exists',
  KUBE_INVALID: 'the API server refused values of the object',
  KUBE_GONE: 'the resource version is no longer in the watch history; list again',
  KUBE_FORBIDDEN: 'the credentials are missing, unknown or not sufficient',
  KUBE_UNAVAILABLE: 'no connection to the API server, or it is shutting down',
  KUBE_API: 'the API server answered with any other failure',
  KUBE_LISTENER: 'a listener of an informer threw (a fault of podwire)',
  KUBE_BAD_CONFIG: 'the cluster configuration does not parse or contradicts itself',
  KUBE_BAD_MANIFEST: 'a manifest is not YAML or JSON, or not a Kubernetes object',
} as const satisfies ErrorCodeTable;

type KubeErrorCode = keyof typeof KUBE_ERRORS;

const CODE_OF_REASON: Readonly<Record<string, KubeErrorCode>> = {
  AlreadyExists: 'KUBE_ALREADY_EXISTS',
  Expired: 'KUBE_GONE',
  Gone: 'KUBE_GONE',
};
const CODE_OF_STATUS: Readonly<Record<number, KubeErrorCode>> = {
  401: 'KUBE_FORBIDDEN',
  403: 'KUBE_FORBIDDEN',
  404: 'KUBE_NOT_FOUND',
  409: 'KUBE_CONFLICT',
  410: 'KUBE_GONE',
  422: 'KUBE_INVALID',
  503: 'KUBE_UNAVAILABLE',
};

/** The error that stands for a Status object with status Failure; the Status is in `details.status`. */
export function statusError(status: Status, cause?: unknown): PodwireError {
  const code = CODE_OF_REASON[status.reason ?? ''] ?? CODE_OF_STATUS[status.code ?? 0] ?? 'KUBE_API';
  return new PodwireError(code, status.message ?? `the API server answered ${status.code}`, {
    details: { status },
    cause,
  });
}

/** The Status object behind an error of a KubeClient, if the server sent one. */
export function statusOf(error: unknown): Status | undefined {
  return error instanceof PodwireError ? (error.details.status as Status | undefined) : undefined;
}
