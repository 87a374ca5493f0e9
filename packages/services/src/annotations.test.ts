import assert from 'node:assert/strict';
import { test } from 'node:test';
import { annotationLimits, misreadAnnotations } from './annotations.ts';
import { serviceFromApi } from './model-from-api.ts';

test('annotations that can be read are not reported', () => {
  const good = {
    'podwire.io/balance': 'maglev',
    'podwire.io/slow-start': '1m30s',
    'podwire.io/weights': 'web-0=3, b=1',
  };
  assert.deepEqual(misreadAnnotations(good), []);
  assert.deepEqual(misreadAnnotations({ 'example.com/balance': 'fastest' }), []);
});

test('each that cannot is named with its value and what it may be', () => {
  const metadata = {
    namespace: 'default',
    name: 'web',
    annotations: {
      'podwire.io/balance': 'Round-Robin',
      'podwire.io/slow-start': '30',
      'podwire.io/weights': 'web-0=3, web-1=0, \u001b[2J',
    },
  };
  const service = serviceFromApi({ metadata, spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] } }, [], 'node-1');
  assert.deepEqual(annotationLimits([service]), [
    'Service default/web: annotation podwire.io/balance: "Round-Robin" has no effect; write random, round-robin, least-connections, source-hash, maglev',
    'Service default/web: annotation podwire.io/slow-start: "30" has no effect; write a time from 1s to 60m as 30s or 1m30s',
    'Service default/web: annotation podwire.io/weights: "web-1=0" has no effect; write ADDRESS=WEIGHT or POD=WEIGHT with a weight from 1 to 100',
    'Service default/web: annotation podwire.io/weights: "\\u001b[2J" has no effect; write ADDRESS=WEIGHT or POD=WEIGHT with a weight from 1 to 100',
  ]);
});
