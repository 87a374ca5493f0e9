import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podFacts } from './status.ts';

test('a pod that is completed is neither ready nor in need of a reason', () => {
  const pod = { metadata: { namespace: 'n', name: 'job-1' }, spec: { nodeName: 'node-1', containers: [] } };
  const facts = { namespace: 'n', name: 'job-1', node: 'node-1', address: '<none>', ready: false };
  const told = (status: object) => podFacts({ ...pod, status });
  assert.deepEqual(told({ phase: 'Succeeded' }), { ...facts, completed: true });
  assert.deepEqual(told({ phase: 'Pending' }), { ...facts, completed: false, reason: 'no status yet' });
});
