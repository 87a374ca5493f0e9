import { messageOf } from '@podwire/base';
import type { Status } from 'kubernetes-types/meta/v1.js';
import { isObject } from '../../core/patches.ts';
import { internalError } from '../../core/status.ts';
import type { ApiObject } from '../../seam.ts';
import { type Attempt, requestOf } from '../attempt.ts';
import { versioned } from '../facts.ts';
import type { Webhook } from './webhook.ts';
import { CallFailure } from './webhook-failure.ts';

/** What a webhook is asked about: an attempt in a version of its kind. */
export interface Question {
  readonly webhook: Webhook;
  readonly attempt: Attempt;
  readonly apiVersion: string;
}

/** The answer of a webhook. */
export interface Verdict {
  readonly isAllowed: boolean;
  readonly status?: Partial<Status> | undefined;
  /** Operations of a JSON patch; empty for none. */
  readonly patch: readonly unknown[];
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** The AdmissionReview that is sent (admission.k8s.io). */
export function reviewText({ webhook, attempt, apiVersion }: Question, uid: string): string {
  const shown = (object: ApiObject | undefined) => (object ? versioned(attempt, object, apiVersion) : null);
  const objects = { object: shown(attempt.object), oldObject: shown(attempt.old) };
  const { dryRun, options, ...head } = requestOf(attempt, apiVersion);
  const request = { uid, ...head, ...objects, dryRun, options };
  return JSON.stringify({ kind: 'AdmissionReview', apiVersion: groupVersion(webhook), request });
}

/** What came back for it. Throws CallFailure. */
export function readVerdict({ webhook }: Question, uid: string, answer: unknown): Verdict {
  const review = isObject(answer) ? answer : {};
  const response = isObject(review.response) ? review.response : undefined;
  if (!response) throw unsound('webhook response was absent');
  const wanted = groupVersion(webhook);
  const isOlder = webhook.reviewVersion !== 'v1';
  if (!isOlder && response.uid !== uid)
    throw unsound(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
  if ((!isOlder || review.kind !== undefined) && (review.kind !== 'AdmissionReview' || review.apiVersion !== wanted)) {
    const got = `${review.apiVersion ?? ''}, Kind=${review.kind ?? ''}`;
    throw unsound(`expected webhook response of ${wanted}, Kind=AdmissionReview, got ${got}`);
  }
  const { allowed, status, warnings, auditAnnotations } = response;
  return {
    isAllowed: allowed === true,
    status: isObject(status) ? (status as Partial<Status>) : undefined,
    patch: patchIn(webhook, response),
    warnings: Array.isArray(warnings) ? warnings.filter((text) => typeof text === 'string') : [],
    annotations: isObject(auditAnnotations) ? (auditAnnotations as Record<string, string>) : {},
  };
}

const groupVersion = ({ reviewVersion }: Webhook): string => `admission.k8s.io/${reviewVersion}`;
const unsound = (why: string) => new CallFailure(`received invalid webhook response: ${why}`);

function patchIn(webhook: Webhook, { patch, patchType }: Readonly<Record<string, unknown>>): readonly unknown[] {
  const text = typeof patch === 'string' ? patch : '';
  if (!webhook.isMutating) {
    if (text !== '') throw unsound('validating webhook may not return response.patch');
    if (patchType !== undefined && patchType !== null)
      throw unsound('validating webhook may not return response.patchType');
    return [];
  }
  const isTyped = typeof patchType === 'string';
  if (text !== '' && !isTyped) {
    if (webhook.reviewVersion === 'v1') throw unsound('webhook returned response.patch but not response.patchType');
  }
  if (text === '' && isTyped) throw unsound('webhook returned response.patchType but not response.patch');
  if (text === '') return [];
  if (isTyped && patchType !== 'JSONPatch')
    throw new CallFailure(`unsupported patch type ${JSON.stringify(patchType)}`);
  return operationsIn(text);
}

function operationsIn(text: string): readonly unknown[] {
  try {
    const operations = JSON.parse(Buffer.from(text, 'base64').toString()) as unknown;
    if (Array.isArray(operations)) return operations;
  } catch (error) {
    throw internalError(messageOf(error));
  }
  throw internalError('the patch is not a list of operations');
}
