import type { Event } from '@podwire/kube';
import type { FieldErrors } from './field-errors.ts';
import { qualifiedName } from './names.ts';

/** Events of this version must say when and by whom, and must not use the fields of the past. */
const NEW_API = 'events.k8s.io/v1';
const WORD_LIMIT = 128;
const NOTE_LIMIT = 1024;
const NAMESPACES_OF_CLUSTER_EVENTS: readonly (string | undefined)[] = ['default', undefined, ''];

export interface WrittenEvent {
  readonly event: Event;
  readonly old: Event | undefined;
  /** What the client wrote in; the stored version is v1. */
  readonly apiVersion: string | undefined;
}

/** The one kind whose rules depend on the version its client writes in. */
export function validateEvent({ event, old, apiVersion }: WrittenEvent, errors: FieldErrors): void {
  validateNamespace(event, errors);
  if (event.eventTime) validateReport(event, errors, apiVersion);
  if (apiVersion !== NEW_API) return;
  if (old) validateChange(event, old, errors);
  else validateNew(event, errors);
}

function validateNew(event: Event, errors: FieldErrors): void {
  const { eventTime, series, firstTimestamp, lastTimestamp, count, source } = event;
  if (!eventTime) errors.required('eventTime');
  if (series) validateSeries(series, errors);
  const past = { firstTimestamp, lastTimestamp, count, source: source?.component || source?.host };
  for (const [field, value] of Object.entries(past)) if (value) errors.invalid(field, '', 'needs to be unset');
}

/** An Event of the new version is changed in its series only. */
function validateChange(next: Event, old: Event, errors: FieldErrors): void {
  const isOther = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  if (next.series && isOther(next.series, old.series)) validateSeries(next.series, errors);
  const fields = ['involvedObject', 'reason', 'message', 'source', 'type', 'eventTime', 'action', 'related'] as const;
  for (const field of fields)
    if (isOther(next[field], old[field])) errors.invalid(field, next[field] ?? null, 'field is immutable');
}

function validateNamespace({ involvedObject, metadata, eventTime }: Event, errors: FieldErrors): void {
  const namespace = metadata?.namespace;
  const about = involvedObject?.namespace ?? '';
  const allowed = eventTime ? [...NAMESPACES_OF_CLUSTER_EVENTS, 'kube-system'] : NAMESPACES_OF_CLUSTER_EVENTS;
  const agrees = about ? eventTime !== undefined || about === namespace : allowed.includes(namespace);
  if (!agrees) errors.invalid('involvedObject.namespace', about, 'does not match event.namespace');
}

function validateReport(event: Event, errors: FieldErrors, apiVersion: string | undefined): void {
  const { reportingComponent = '', reportingInstance = '', action = '', reason = '', message = '' } = event;
  const controller = apiVersion === NEW_API ? 'reportingController' : 'reportingComponent';
  if (!reportingComponent) errors.required(controller);
  errors.invalidEach(controller, reportingComponent, qualifiedName(reportingComponent));
  for (const [field, value] of Object.entries({ reportingInstance, action, reason })) {
    if (!value) errors.required(field);
    atMost(WORD_LIMIT, field, value);
  }
  atMost(NOTE_LIMIT, 'message', message);

  function atMost(limit: number, field: string, value: string): void {
    if (value.length > limit) errors.invalid(field, '', `can have at most ${limit} characters`);
  }
}

function validateSeries({ count = 0, lastObservedTime }: NonNullable<Event['series']>, errors: FieldErrors): void {
  if (count < 2) errors.invalid('series.count', '', 'should be at least 2');
  if (!lastObservedTime) errors.required('series.lastObservedTime');
}
