import { type ErrorCodeTable, hasCode, PodwireError } from '@podwire/base';
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
  KUBE_BAD_KUBECONFIG: 'a kubeconfig, or a file it names, cannot be used',
  KUBE_EXEC: 'a credential plugin did not give credentials',
  KUBE_NO_KIND: 'the API server has no such kind',
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

const NO_LOGIN =
  'the API server does not accept the credentials; check the user of the kubeconfig, or renew its token or certificate';

/** The error that stands for a Status object with status Failure; the Status is in `details.status`. */
export function statusError(
  status: Status,
  { retryAfter }: { readonly retryAfter?: number | undefined } = {},
): PodwireError {
  const code = CODE_OF_REASON[status.reason ?? ''] ?? CODE_OF_STATUS[status.code ?? 0] ?? 'KUBE_API';
  const seconds = status.details?.retryAfterSeconds ?? retryAfter;
  const message = status.message ?? `the API server answered ${status.code}`;
  return new PodwireError(code, message === 'Unauthorized' ? `${message}: ${NO_LOGIN}` : message, {
    details: { status, ...(seconds !== undefined && { retryAfter: seconds }) },
  });
}

/** Seconds after which the server wants to be asked again, if it said so. */
export function retryAfterOf(error: unknown): number | undefined {
  return error instanceof PodwireError ? (error.details.retryAfter as number | undefined) : undefined;
}

/** The Status object behind an error of a KubeClient, if the server sent one. */
export function statusOf(error: unknown): Status | undefined {
  return error instanceof PodwireError ? (error.details.status as Status | undefined) : undefined;
}

/** Whether only a new list helps: the revision is forgotten, or the server has not come so far (it was restored, or lags behind). */
export function isExpired(error: unknown): boolean {
  const status = statusOf(error);
  const causes = status?.details?.causes ?? [];
  return hasCode(error, 'KUBE_GONE') || causes.some(({ reason }) => reason === 'ResourceVersionTooLarge');
}
