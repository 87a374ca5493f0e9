import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindNamed } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { fromStored, toStored } from './conversion.ts';

const object = (apiVersion: string, fields: object) =>
  ({ apiVersion, kind: 'K', metadata: { name: 'x' }, ...fields }) as ApiObject;

test('an Event of either group keeps all its fields', () => {
  const core = object('v1', {
    involvedObject: { name: 'p' },
    message: 'm',
    count: 2,
    source: { component: 'c' },
    reportingComponent: 'r',
    firstTimestamp: 'a',
    lastTimestamp: 'b',
    action: 'act',
  });
  const other = fromStored(kindNamed('Event'), core, 'events.k8s.io/v1');
  assert.deepEqual(
    other,
    object('events.k8s.io/v1', {
      regarding: { name: 'p' },
      note: 'm',
      deprecatedCount: 2,
      deprecatedSource: { component: 'c' },
      reportingController: 'r',
      deprecatedFirstTimestamp: 'a',
      deprecatedLastTimestamp: 'b',
      action: 'act',
    }),
  );
  assert.deepEqual(toStored(kindNamed('Event'), other), core);
});

test('an autoscaler of v1 keeps what v1 cannot say in annotations', () => {
  const kind = kindNamed('HorizontalPodAutoscaler');
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } };
  const memory = {
    type: 'Resource',
    resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } },
  };
  const behavior = { scaleDown: { selectPolicy: 'Disabled' } };
  const stored = object('autoscaling/v2', { spec: { maxReplicas: 3, metrics: [cpu, memory], behavior } });
  const old = fromStored(kind, stored, 'autoscaling/v1');
  assert.deepEqual(old.spec, { maxReplicas: 3, targetCPUUtilizationPercentage: 60 });
  assert.deepEqual(toStored(kind, old).spec, stored.spec);
  const damaged = { ...old, metadata: { annotations: { 'autoscaling.alpha.kubernetes.io/metrics': '{' } } };
  assert.deepEqual(toStored(kind, damaged).spec, { maxReplicas: 3, metrics: [cpu] });
  const running = object('autoscaling/v2', {
    status: {
      currentReplicas: 1,
      desiredReplicas: 2,
      conditions: [],
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 7 } } }],
    },
  });
  assert.deepEqual(fromStored(kind, running, 'autoscaling/v1').status, {
    currentReplicas: 1,
    desiredReplicas: 2,
    currentCPUUtilizationPercentage: 7,
  });
});
