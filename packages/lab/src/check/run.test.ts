import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '@podwire/kube';
import { unreadyPods } from './run.ts';

const condition = (type: string, status: string, reason = '', message = '') => ({ type, status, reason, message });
const pod = (name: string, one: ReturnType<typeof condition>, namespace = 'podwire-check'): Pod => ({
  metadata: { name, namespace },
  status: { conditions: [one] },
});

test('who of the check is not ready, and why', () => {
  const refused = condition('PodScheduled', 'False', 'Unschedulable', '0/2 nodes are available: 2 unschedulable.');
  const pods = [
    pod('echo-1', condition('Ready', 'True')),
    pod('never-ready', condition('Ready', 'False')),
    pod('spread-a', refused),
    pod('spread-b', refused),
    pod('other', refused, 'default'),
  ];
  assert.equal(unreadyPods(pods), '; spread-a, spread-b: Unschedulable: 0/2 nodes are available: 2 unschedulable.');
  assert.equal(unreadyPods([]), '');
});
