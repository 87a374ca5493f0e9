import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Prefix } from '@podwire/base';
import type { ObjectOf } from '@podwire/kube';
import { resolveCount } from './count.ts';
import { planRollout } from './deployment/rollout.ts';
import { nextNodeCidr } from './node-cidr.ts';
import { placePod } from './placement.ts';
import { planScaling } from './replica-set.ts';
import { templateHash } from './template-hash.ts';

type Pod = ObjectOf<'Pod'>;
const ready = (status: 'True' | 'False') => [{ type: 'Ready', status }];
const node = (name: string, spec: ObjectOf<'Node'>['spec'] = {}, labels = {}): ObjectOf<'Node'> => ({
  metadata: { name, labels },
  spec,
  status: { conditions: ready('True') },
});
const owned = (name: string, uid: string, nodeName?: string): Pod => ({
  metadata: {
    name,
    namespace: 'default',
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: uid, uid, controller: true }],
  },
  spec: { containers: [], ...(nodeName ? { nodeName } : {}) },
});

test('the scheduler spreads siblings first, then pods', () => {
  const nodes = [node('a'), node('b'), node('c')];
  const pods = [owned('1', 'x', 'a'), owned('2', 'y', 'b'), owned('3', 'y', 'b')];
  assert.deepEqual(placePod(owned('new', 'x'), nodes, pods), { node: 'c' });
  assert.deepEqual(placePod(owned('new', 'y'), nodes, [...pods, owned('4', 'z', 'c'), owned('5', 'z', 'c')]), {
    node: 'a',
  });
});

test('cordons, taints and selectors refuse, in words', () => {
  const taints = [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }];
  const nodes = [node('a', { unschedulable: true }), node('b', { taints }), node('c')];
  const picky: Pod = {
    spec: { containers: [], nodeSelector: { disk: 'ssd' }, tolerations: [{ key: 'gpu', operator: 'Exists' }] },
  };
  const reasons =
    "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector.";
  assert.deepEqual(placePod(picky, nodes, []), {
    refused: `${reasons} preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.`,
    reasons,
  });
  assert.deepEqual(placePod({ spec: { containers: [] } }, nodes, []), { node: 'c' });
});

test('scaling down takes the unscheduled, then the unready, then the youngest', () => {
  const pod = (name: string, nodeName: string | undefined, status: 'True' | 'False', second: number): Pod => ({
    metadata: { name, creationTimestamp: `2026-01-01T00:00:0${second}Z` as never },
    spec: { containers: [], ...(nodeName ? { nodeName } : {}) },
    status: { conditions: ready(status) },
  });
  const pods = [
    pod('old', 'n', 'True', 1),
    pod('young', 'n', 'True', 5),
    pod('unready', 'n', 'False', 0),
    pod('pending', undefined, 'False', 0),
  ];
  assert.deepEqual(
    planScaling(1, pods).remove.map((p) => p.metadata?.name),
    ['pending', 'unready', 'young'],
  );
  assert.equal(planScaling(6, pods).create, 2);
});

test('however many replicas are asked for, a pass makes and removes 500 at most, and 500 at most wait', () => {
  const many = (count: number, podIP?: string): Pod[] =>
    Array.from({ length: count }, () => ({ status: podIP === undefined ? {} : { podIP } }));
  assert.equal(planScaling(2_000_000_000, []).create, 500);
  assert.equal(planScaling(2_000_000_000, many(500)).create, 0);
  assert.equal(planScaling(2_000_000_000, [...many(800, '10.0.0.1'), ...many(100)]).create, 400);
  assert.equal(planScaling(1, many(2000)).remove.length, 500);
});

test('a rolling update never exceeds surge nor falls below what must be available', () => {
  const set = (name: string, replicas: number, available: number): ObjectOf<'ReplicaSet'> => ({
    metadata: { name },
    spec: { replicas, selector: {} },
    status: { replicas, availableReplicas: available },
  });
  const deployment = (replicas: number): ObjectOf<'Deployment'> => ({
    metadata: { name: 'd' },
    spec: { replicas, selector: {}, template: {} },
  });
  assert.equal(planRollout(deployment(3), undefined, { sets: [] }).fresh, 3);
  const huge = 2_000_000_000;
  assert.equal(planRollout(deployment(huge), undefined, { sets: [] }).fresh, huge);
  const grow = planRollout(deployment(huge), set('new', 5, 5), { sets: [set('old', huge, 400)] });
  assert.equal(grow.fresh, huge / 4, 'as many as may be added to the old ones');
  assert.equal(planRollout(deployment(4), undefined, { sets: [set('old', 4, 4)] }).fresh, 1);
  const step = planRollout(deployment(4), set('new', 1, 0), { sets: [set('old', 4, 4)] });
  assert.deepEqual([step.fresh, step.old.get('old')], [1, 3]);
  assert.equal(planRollout(deployment(4), set('new', 4, 4), { sets: [set('old', 1, 1)] }).old.get('old'), 0);
  assert.deepEqual([resolveCount('25%', 3, 'up'), resolveCount('25%', 3, 'down'), resolveCount(2, 9, 'up')], [1, 0, 2]);
});

test('the template hash ignores the order of fields and sees their values', () => {
  assert.equal(templateHash({ a: 1, b: { c: 2, d: 3 } }), templateHash({ b: { d: 3, c: 2 }, a: 1 }));
  assert.notEqual(templateHash({ a: 1 }), templateHash({ a: 2 }));
  assert.match(templateHash({ a: 1 }), /^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
});

test('node ranges are handed out once, and run out', () => {
  const taken: Prefix[] = [];
  for (let i = 0; i < 4; i++) taken.push(nextNodeCidr('10.0.0.0/22' as Prefix, taken) as Prefix);
  assert.deepEqual(taken, ['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24']);
  assert.equal(nextNodeCidr('10.0.0.0/22' as Prefix, taken), undefined);
});
