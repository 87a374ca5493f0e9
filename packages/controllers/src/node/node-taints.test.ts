import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { timestamp } from '../clock.ts';
import { Heartbeats } from './heartbeats.ts';
import { planTaints } from './node-taints.ts';
import { evictionDelay } from './taint-eviction.ts';

type Node = ObjectOf<'Node'>;
const NOW = Date.parse('2030-01-01T00:00:00Z');
const node = (ready: string, spec: object = {}): Node => ({
  metadata: { name: 'n', uid: 'u' },
  spec,
  status: { conditions: [{ type: 'Ready', status: ready }] },
});
const taints = (of: Node, anyReady = true) =>
  planTaints({ node: of, anyReady, now: NOW })?.map(({ key, effect }) => `${key}:${effect}`);

test('taints follow the conditions; those of others stay', () => {
  const own = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
  const stale = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };
  assert.deepEqual(taints(node('True', { taints: [own, stale] })), ['gpu:NoSchedule']);
  assert.deepEqual(taints(node('Unknown', { taints: [own] })), [
    'gpu:NoSchedule',
    'node.kubernetes.io/unreachable:NoSchedule',
    'node.kubernetes.io/unreachable:NoExecute',
  ]);
  assert.deepEqual(taints(node('False'), false), ['node.kubernetes.io/not-ready:NoSchedule']);
  assert.deepEqual(taints(node('True', { unschedulable: true })), ['node.kubernetes.io/unschedulable:NoSchedule']);
  const settled = node('True', { taints: [own] });
  assert.equal(planTaints({ node: settled, anyReady: true, now: NOW }), undefined);
});

test('a pod stays as long as its tolerations let it', () => {
  const taint = { key: 'k', effect: 'NoExecute', timeAdded: timestamp(NOW - 100_000) };
  const delay = (tolerations: object[], one: object = taint) =>
    evictionDelay({ spec: { containers: [], tolerations } }, [one as typeof taint], { since: NOW - 1000, now: NOW });
  assert.equal(delay([]), 0);
  assert.equal(delay([], { ...taint, effect: 'NoSchedule' }), undefined);
  assert.equal(delay([{ operator: 'Exists' }]), undefined);
  assert.equal(delay([{ key: 'k', operator: 'Exists', tolerationSeconds: 300 }]), 200_000);
  assert.equal(delay([{ key: 'k', operator: 'Exists', tolerationSeconds: 60 }]), 0);
  const { timeAdded: _, ...untimed } = taint;
  assert.equal(delay([{ key: 'k', operator: 'Exists', tolerationSeconds: 60 }], untimed), 59_000);
});

test('silence is the time since the last sign of life, seen here', () => {
  const beats = new Heartbeats();
  const lease = (renewTime: string): ObjectOf<'Lease'> => ({ spec: { renewTime } });
  beats.observe(node('True'), lease('long ago'), NOW);
  beats.observe(node('True'), lease('long ago'), NOW + 10);
  assert.equal(beats.silence('n', NOW + 20), 20);
  beats.observe(node('Unknown'), lease('long ago'), NOW + 30);
  assert.equal(beats.silence('n', NOW + 30), 30);
  beats.observe(node('Unknown'), lease('later'), NOW + 40);
  assert.equal(beats.silence('n', NOW + 45), 5);
  beats.forgive(5);
  assert.equal(beats.silence('n', NOW + 45), 0);
  assert.equal(beats.silence('other', NOW), 0);
});
