import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { TriggerTimes } from './trigger-times.ts';

const at = (second: number) => `2026-03-01T10:00:${String(second).padStart(2, '0')}Z`;
const service = { metadata: { name: 's', namespace: 'd', creationTimestamp: at(5) } } as ObjectOf<'Service'>;

function pod(name: string, ready: number | undefined): ObjectOf<'Pod'> {
  const conditions = ready === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: at(ready) }];
  return { metadata: { name, namespace: 'd' }, status: { conditions } } as ObjectOf<'Pod'>;
}

test('the earliest of what is new', () => {
  const times = new TriggerTimes();
  assert.equal(times.next(service, []), at(5));
  assert.equal(times.next(service, []), undefined);
  assert.equal(times.next(service, [pod('a', 9), pod('b', 8), pod('c', undefined)]), at(8));
  assert.equal(times.next(service, [pod('a', 20), pod('b', 8)]), at(20));
  assert.equal(times.next(service, [pod('a', 20)]), undefined, 'nobody says when a pod went');
  times.forget('d/s');
  assert.equal(times.next(service, [pod('a', 20)]), at(5));
});

test('Services of one name in two namespaces are two', () => {
  const times = new TriggerTimes();
  times.next(service, [pod('a', 9)]);
  const other = { metadata: { ...service.metadata, namespace: 'e' } } as ObjectOf<'Service'>;
  assert.equal(times.next(other, [pod('a', 9)]), at(5));
});
