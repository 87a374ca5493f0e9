import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '@podwire/kube';
import { validateEvent } from './event-validation.ts';
import { FieldErrors } from './field-errors.ts';

const NEW_API = 'events.k8s.io/v1';
const whole = {
  metadata: { name: 'e', namespace: 'default' },
  involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
  eventTime: '2030-01-01T00:00:00.000000Z',
  reportingComponent: 'example.com/test',
  reportingInstance: 'test-1',
  action: 'Start',
  reason: 'Started',
} as unknown as Event;
const problems = (event: object, apiVersion: string | undefined, old?: object): string[] => {
  const errors = new FieldErrors();
  validateEvent({ event: event as Event, old: old as Event | undefined, apiVersion }, errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
};

test('Events of the old version need little', () => {
  const { metadata, involvedObject } = whole;
  assert.deepEqual(problems({ metadata, involvedObject, count: 1 }, 'v1'), []);
  assert.deepEqual(problems({ metadata, involvedObject }, undefined), []);
  const elsewhere = ['involvedObject.namespace: Invalid value: "": does not match event.namespace'];
  assert.deepEqual(problems({ metadata: { namespace: 'a' }, involvedObject: {} }, 'v1'), elsewhere);
  assert.deepEqual(problems({ metadata: { namespace: 'default' }, involvedObject: {} }, 'v1'), []);
});

test('new Events say when and by whom, whatever the version', () => {
  assert.deepEqual(problems(whole, NEW_API), []);
  const { metadata, involvedObject, eventTime } = whole;
  assert.deepEqual(problems({ metadata, involvedObject, eventTime, reason: 'r'.repeat(129) }, 'v1'), [
    'reportingComponent: Required value',
    'reportingComponent: Invalid value: "": name part must be non-empty',
    "reportingComponent: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    'reportingInstance: Required value',
    'action: Required value',
    'reason: Invalid value: "": can have at most 128 characters',
  ]);
  assert.equal(problems({ ...whole, eventTime: undefined }, NEW_API)[0], 'eventTime: Required value');
});

test('new Events do without the fields of the past, and are changed in their series only', () => {
  const past = { ...whole, count: 1, lastTimestamp: '2030-01-01T00:00:00Z', source: { component: 'c' } };
  assert.deepEqual(problems(past, NEW_API), [
    'lastTimestamp: Invalid value: "": needs to be unset',
    'count: Invalid value: "": needs to be unset',
    'source: Invalid value: "": needs to be unset',
  ]);
  const series = { count: 1 };
  assert.deepEqual(problems({ ...whole, series }, NEW_API, whole), [
    'series.count: Invalid value: "": should be at least 2',
    'series.lastObservedTime: Required value',
  ]);
  assert.deepEqual(problems({ ...whole, reason: 'Other' }, NEW_API, whole), [
    'reason: Invalid value: "Other": field is immutable',
  ]);
});
