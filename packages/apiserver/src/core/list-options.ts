import type { StatusCause } from '../seam.ts';
import { badRequest, failure, forbiddenField, invalid } from './status.ts';

/** What a list or watch says about revisions. */
export interface Revisions {
  /** Undefined: the newest; 0: any. */
  readonly revision: number | undefined;
  readonly match: 'Exact' | 'NotOlderThan' | undefined;
  readonly sendInitialEvents: boolean | undefined;
}

const MATCH = 'resourceVersionMatch';

/** Reads and checks them; throws 400 and 422 in the words of Kubernetes. */
export function parseRevisions(query: URLSearchParams, isWatch: boolean): Revisions {
  const causes = isWatch ? watchCauses(query) : listCauses(query);
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', causes);
  const text = query.get('resourceVersion') ?? '';
  if (!/^\d{0,16}$/.test(text)) {
    const value = JSON.stringify(text);
    throw badRequest(`resourceVersion: Invalid value: ${value}: strconv.ParseUint: parsing ${value}: invalid syntax`);
  }
  if (!isWatch && text !== '' && text !== '0' && query.get('continue'))
    throw badRequest('specifying resource version is not allowed when using continue');
  const initial = query.get('sendInitialEvents');
  return {
    revision: text === '' ? undefined : Number(text),
    match: (query.get(MATCH) || undefined) as Revisions['match'],
    sendInitialEvents: initial === null ? undefined : isTrue(initial),
  };
}

export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}

function listCauses(query: URLSearchParams): StatusCause[] {
  const match = query.get(MATCH) ?? '';
  const version = query.get('resourceVersion') ?? '';
  const causes: StatusCause[] = [];
  const forbid = (why: string) => void causes.push(forbiddenField(MATCH, why));
  if (match && !version) forbid('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (match && query.get('continue')) forbid('resourceVersionMatch is forbidden when continue is provided');
  if (match && match !== 'Exact' && match !== 'NotOlderThan')
    causes.push(unsupported(match, ['Exact', 'NotOlderThan', '']));
  if (match === 'Exact' && version === '0') forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  if (query.has('sendInitialEvents'))
    causes.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  return causes;
}

function watchCauses(query: URLSearchParams): StatusCause[] {
  const match = query.get(MATCH) ?? '';
  const hasInitial = query.has('sendInitialEvents');
  const causes: StatusCause[] = [];
  const forbid = (why: string) => void causes.push(forbiddenField(MATCH, why));
  if (hasInitial && match !== 'NotOlderThan')
    forbid('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  if (match && !hasInitial) forbid('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  if (match && match !== 'NotOlderThan') causes.push(unsupported(match, ['NotOlderThan']));
  if (match && query.get('continue')) forbid('resourceVersionMatch is forbidden when continue is provided');
  return causes;
}

function unsupported(value: string, supported: readonly string[]): StatusCause {
  const list = supported.map((one) => JSON.stringify(one)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`;
  return { reason: 'FieldValueNotSupported', message, field: MATCH };
}

/** 504: the revision is not there yet; the client tries again. */
export function tooNew(asked: number, current: number): Error {
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`;
  return failure(504, 'Timeout', message, { causes, retryAfterSeconds: 1 });
}
