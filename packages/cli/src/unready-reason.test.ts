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
