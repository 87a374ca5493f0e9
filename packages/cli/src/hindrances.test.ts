import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hindrances } from './hindrances.ts';

const pod = (name: string, condition: object) =>
  ({ metadata: { namespace: 't', name }, status: { conditions: [condition] } }) as never;
const refused = (count: number) => ({
  type: 'PodScheduled',
  status: 'False',
  reason: 'Unschedulable',
  message: `0/${count} nodes are available`,
});

test('what lasts is told once, what passes is not', () => {
  const hindrances = new Hindrances();
  const look = (now: number, ...pods: never[]) => hindrances.look(now, pods, {});
  const waiting = pod('a', { type: 'Ready', status: 'False', reason: 'ContainersNotReady' });
  assert.deepEqual(look(0, waiting, pod('p-1', refused(3)), pod('p-2', refused(3))), []);
  assert.deepEqual(look(1999, waiting, pod('p-1', refused(3))), []);
  assert.deepEqual(look(2000, waiting, pod('p-1', refused(3)), pod('p-2', refused(3))), [
    'pod t/p-1: Unschedulable: 0/3 nodes are available',
  ]);
  assert.deepEqual(look(4000, waiting, pod('p-1', refused(2)), pod('p-2', refused(2))), [
    'pod t/p-2: Unschedulable: 0/2 nodes are available',
  ]);
  assert.deepEqual(look(9000, waiting, pod('p-1', refused(3)), pod('p-2', refused(3))), []);
});
