import { type ErrorCodeTable, PodwireError } from '@podwire/base';

export const SERVICES_ERRORS = {
  SERVICES_MODE_REFUSED: 'the node cannot go over to the proxy mode; the one before goes on',
} as const satisfies ErrorCodeTable;

export type ServicesErrorCode = keyof typeof SERVICES_ERRORS;

export function servicesError(code: ServicesErrorCode, message: string, cause?: unknown): PodwireError {
  return new PodwireError(code, message, cause === undefined ? {} : { cause });
}
