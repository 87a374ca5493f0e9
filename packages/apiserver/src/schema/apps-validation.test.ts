import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatefulSetSpec } from 'kubernetes-types/apps/v1.js';
import { validateWorkload } from './apps-validation.ts';
import { FieldErrors } from './field-errors.ts';

function errorsOf(word: string, more: Partial<StatefulSetSpec>): string[] {
  const errors = new FieldErrors();
  const labels = { app: 'db' };
  const volumeMounts = [{ name: 'data', mountPath: '/data' }];
  const containers = [{ name: 'c', image: 'i', volumeMounts }];
  const template = { metadata: { labels }, spec: { containers } };
  validateWorkload({ spec: { selector: { matchLabels: labels }, template, serviceName: 'db', ...more } }, word, errors);
  return errors.causes
    .map(({ field, message }) => `${field}: ${message}`)
    .filter((text) => text.includes('olumeMounts'));
}

test('only a StatefulSet may mount what nobody has: its pods are refused for that', () => {
  assert.deepEqual(errorsOf('statefulset', {}), []);
  assert.deepEqual(errorsOf('statefulset', { volumeClaimTemplates: [{ metadata: { name: 'data' } }] }), []);
  assert.deepEqual(errorsOf('replicaset', {}), [
    'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
  ]);
});
