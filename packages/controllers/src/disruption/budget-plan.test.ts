import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { timestamp } from '../clock.ts';
import { planBudget } from './budget-plan.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');
const pods = (ready: number, broken = 0): ObjectOf<'Pod'>[] =>
  Array.from({ length: ready + broken }, (_, n) => ({
    metadata: { name: `p${n}` },
    status: { conditions: [{ type: 'Ready', status: n < ready ? 'True' : 'False' }] },
  }));
const plan = (spec: object, { ready = 3, broken = 0, scale = 4 as number | string, status = {} } = {}) =>
  planBudget({
    budget: { metadata: { generation: 2 }, spec, status: status as never },
    ...{ pods: pods(ready, broken), scale, now: NOW },
  });
const numbers = (...args: Parameters<typeof plan>) => {
  const { expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed } = plan(...args).status;
  return [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed];
};

test('numbers and percentages, of pods there are or are wanted', () => {
  assert.deepEqual(numbers({ minAvailable: 2 }), [3, 2, 3, 1]);
  assert.deepEqual(numbers({ minAvailable: 2 }, { ready: 1, broken: 2 }), [3, 2, 1, 0]);
  assert.deepEqual(numbers({ minAvailable: '50%' }), [4, 2, 3, 1]);
  assert.deepEqual(numbers({ maxUnavailable: 2 }), [4, 2, 3, 1]);
  assert.deepEqual(numbers({ maxUnavailable: '30%' }, { ready: 4 }), [4, 2, 4, 2]);
  assert.deepEqual(numbers({ minAvailable: 0 }, { ready: 0 }), [0, 0, 0, 0]);
});

test('an eviction under way counts as a pod less, for two minutes', () => {
  const status = { disruptedPods: { p0: timestamp(NOW - 30_000), p1: timestamp(NOW - 120_000), gone: timestamp(NOW) } };
  const step = plan({ minAvailable: 1 }, { status });
  assert.deepEqual(step.status.disruptedPods, { p0: timestamp(NOW - 30_000) });
  assert.deepEqual([step.status.currentHealthy, step.next], [2, 90_000]);
});

test('the condition keeps its time while it says the same; pods of nobody are a failure', () => {
  const first = plan({ minAvailable: 1 }).status;
  assert.deepEqual(first.conditions, [
    {
      ...{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods', message: '' },
      ...{ lastTransitionTime: timestamp(NOW), observedGeneration: 2 },
    },
  ]);
  const [failure] =
    plan({ maxUnavailable: 1 }, { scale: 'found no controllers for pod "p0"', status: first }).status.conditions ?? [];
  assert.deepEqual([failure?.reason, failure?.message], ['SyncFailed', 'found no controllers for pod "p0"']);
});
