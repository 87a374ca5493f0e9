import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unreadyReason } from './unready-reason.ts';

const container = (state: object, more: object = {}) =>
  ({ name: 'c', ready: false, restartCount: 0, image: '', imageID: '', state, ...more }) as never;
const unmet = (type: string, reason: string, message?: string) =>
  ({ type, status: 'False', reason, ...(message ? { message } : {}) }) as never;

test('the first thing that holds a pod up', () => {
  const cases: [object, string][] = [
    [{ metadata: { deletionTimestamp: 'now' }, status: { phase: 'Running' } }, 'Terminating'],
    [{ status: { phase: 'Succeeded' } }, 'Completed'],
    [{ status: { phase: 'Failed', reason: 'Evicted', message: 'why' } }, 'Evicted: why'],
    [{ status: { conditions: [unmet('PodScheduled', 'Unschedulable', '0/3 nodes')] } }, 'Unschedulable: 0/3 nodes'],
    [
      { status: { containerStatuses: [container({ waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } })] } },
      'c: CrashLoopBackOff: back-off',
    ],
    [
      { status: { initContainerStatuses: [container({ terminated: { exitCode: 3, reason: 'Error' } })] } },
      'c: Error: exit code 3',
    ],
    [{ status: { containerStatuses: [container({ running: {} })] } }, 'c: runs, but is not ready'],
    [
      {
        status: {
          conditions: [unmet('Ready', 'ContainersNotReady', 'containers with unready status: [c]')],
          containerStatuses: [container({ waiting: { reason: 'ContainerCreating' } })],
        },
      },
      'ContainersNotReady: containers with unready status: [c]',
    ],
    [{}, 'no status yet'],
  ];
  for (const [pod, expected] of cases) assert.equal(unreadyReason(pod as never), expected);
});

const NODE = {
  metadata: { name: 'n' },
  status: { conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'silent' }] },
} as never;

test('a pod of a node that nobody hears of', () => {
  const pod = { spec: { nodeName: 'n' }, status: { conditions: [{ type: 'Ready', status: 'False' }] } };
  const told = (one: object) => unreadyReason(one as never, { nodes: [NODE] });
  assert.equal(told(pod), 'node n is not ready: NodeStatusUnknown: silent');
  const leaving = { ...pod, metadata: { deletionTimestamp: 'now' } };
  assert.equal(told(leaving), 'Terminating: node n is not ready: NodeStatusUnknown: silent');
  assert.equal(told({ ...pod, status: { phase: 'Succeeded' } }), 'Completed');
  assert.equal(told({ ...pod, spec: { nodeName: 'other' } }), 'no status yet');
});

test('what holds up a pod before its containers begin is in events', () => {
  const event = (uid: string, reason: string, lastTimestamp: string, type = 'Warning') =>
    ({ involvedObject: { uid }, type, reason, message: 'why', lastTimestamp }) as never;
  const events = [
    event('u', 'FailedMount', '2026-01-01T00:00:02Z'),
    event('u', 'FailedCreatePodSandBox', '2026-01-01T00:00:01Z'),
    event('u', 'Pulled', '2026-01-01T00:00:03Z', 'Normal'),
    event('other', 'BackOff', '2026-01-01T00:00:04Z'),
  ];
  const pod = (state: object) =>
    ({ metadata: { uid: 'u' }, status: { containerStatuses: [container(state)] } }) as never;
  assert.equal(unreadyReason(pod({ waiting: { reason: 'ContainerCreating' } }), { events }), 'FailedMount: why');
  assert.equal(unreadyReason(pod({ running: {} }), { events }), 'c: runs, but is not ready');
});
