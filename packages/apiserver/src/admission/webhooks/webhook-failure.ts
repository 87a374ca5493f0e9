import { statusError } from '@podwire/kube';
import type { Status } from 'kubernetes-types/meta/v1.js';
import { badRequest, internalError } from '../../core/status.ts';
import type { Webhook } from './webhook.ts';

/** A webhook could not be asked, or did not answer as it has to. */
export class CallFailure extends Error {}

/** What a failed call means to the writer of an object. */
export function refusal({ name }: Webhook, failure: CallFailure): Error {
  return internalError(`failed calling webhook "${name}": ${failure.message}`);
}

/** The Status of a webhook that says no, whatever it says of itself. */
export function denial({ name }: Webhook, result: Partial<Status> = {}): Error {
  const denied = `admission webhook "${name}" denied the request`;
  const { message, reason, code = 0 } = result;
  const why = message || reason;
  const text = why ? `${denied}: ${why}` : `${denied} without explanation`;
  const head = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' } as const;
  const details = result.details ? { details: result.details } : {};
  return statusError({
    ...head,
    message: text,
    ...(reason ? { reason } : {}),
    ...details,
    code: code >= 400 && code < 600 ? code : 400,
  });
}

export function noDryRun({ name }: Webhook): Error {
  return badRequest(`admission webhook "${name}" does not support dry run`);
}
