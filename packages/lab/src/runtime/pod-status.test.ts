import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerState, ContainerView } from './container-view.ts';
import { containerStatus, type PodView, podPhase, podStatusPatch } from './pod-status.ts';

const at = new Date('2026-01-02T03:04:05.678Z');
const running: ContainerState = { state: 'running', startedAt: at };
const waiting: ContainerState = { state: 'waiting', reason: 'ContainerCreating' };
const ended = (exitCode: number): ContainerState => ({
  state: 'terminated',
  end: {
    exitCode,
    reason: exitCode ? 'Error' : 'Completed',
    startedAt: at,
    finishedAt: at,
    containerId: 'podwire://1',
  },
});
const view = (name: string, state: ContainerState, more: Partial<ContainerView> = {}): ContainerView => ({
  name,
  image: 'i',
  imageId: 'podwire://i',
  containerId: 'podwire://1',
  state,
  last: undefined,
  restarts: 0,
  started: false,
  ready: false,
  ...more,
});
const pod = (restartPolicy: string, main: ContainerView[], more: Partial<PodView> = {}): PodView => ({
  pod: { metadata: { name: 'p' }, spec: { containers: [], restartPolicy } },
  hostIp: '172.30.0.11',
  podIps: ['10.244.0.2'],
  startTime: at,
  init: [],
  sidecars: new Set(),
  main,
  ...more,
});

test('phases', () => {
  const crashed = view(
    'a',
    { state: 'waiting', reason: 'CrashLoopBackOff' },
    { last: { exitCode: 1, reason: 'Error', startedAt: at, finishedAt: at, containerId: '' } },
  );
  const rows: [string, PodView][] = [
    ['Pending', pod('Always', [view('a', waiting), view('b', running)])],
    ['Running', pod('Always', [view('a', running)])],
    ['Running', pod('Always', [crashed])],
    ['Running', pod('Always', [view('a', ended(0))])],
    ['Succeeded', pod('OnFailure', [view('a', ended(0))])],
    ['Running', pod('OnFailure', [view('a', ended(1))])],
    ['Running', pod('Never', [view('a', ended(1)), view('b', running)])],
    ['Failed', pod('Never', [view('a', ended(1)), view('b', ended(0))])],
    ['Pending', pod('Always', [view('a', waiting)], { init: [view('i', running)] })],
    ['Failed', pod('Never', [view('a', waiting)], { init: [view('i', ended(1))] })],
    [
      'Running',
      pod('Always', [view('a', running)], { init: [view('s', running, { started: true })], sidecars: new Set(['s']) }),
    ],
    ['Failed', pod('Always', [view('a', running)], { failure: { reason: 'DeadlineExceeded', message: '' } })],
  ];
  assert.deepEqual(
    rows.map(([, v]) => podPhase(v)),
    rows.map(([phase]) => phase),
  );
});

function condition(v: PodView, type: string): unknown {
  const found = (
    podStatusPatch(v, at).status.conditions as {
      type: string;
      status: string;
      message?: string;
      lastTransitionTime: string;
    }[]
  ).find((c) => c.type === type);
  return found && `${found.status} ${found.message ?? ''} ${found.lastTransitionTime}`;
}

test('conditions', () => {
  const half = pod('Always', [view('a', running, { ready: true }), view('b', running)]);
  assert.equal(condition(half, 'Ready'), 'False containers with unready status: [b] 2026-01-02T03:04:05Z');
  assert.equal(condition(half, 'Initialized'), 'True  2026-01-02T03:04:05Z');
  assert.equal(condition(half, 'PodScheduled'), 'True  2026-01-02T03:04:05Z');
  const old = '2020-01-01T00:00:00Z';
  const before = {
    status: {
      conditions: [
        { type: 'Ready', status: 'True', lastTransitionTime: old },
        { type: 'x/y', status: 'True' },
      ],
    },
  };
  const kept = pod('Always', [view('a', running, { ready: true })], {
    pod: { ...before, spec: { containers: [], readinessGates: [{ conditionType: 'x/y' }] } },
  });
  assert.equal(condition(kept, 'Ready'), `True  ${old}`);
  assert.equal(condition(kept, 'x/y'), 'True  undefined');
  const gated = pod('Always', [view('a', running, { ready: true })], {
    pod: { spec: { containers: [], readinessGates: [{ conditionType: 'x/z' }] } },
  });
  assert.match(String(condition(gated, 'Ready')), /^False corresponding condition of pod readiness gate "x\/z"/);
});

test('a patch without addresses clears them', () => {
  const { status } = podStatusPatch(pod('Always', [view('a', waiting)], { podIps: [] }), at);
  assert.deepEqual([status.podIP, status.podIPs], [null, null]);
});

test('an init container that has done its work is ready, a sidecar when it says so', () => {
  const init = [view('done', ended(0)), view('broken', ended(1)), view('side', ended(0)), view('now', running)];
  const { status } = podStatusPatch(pod('Always', [], { init, sidecars: new Set(['side']) }), at);
  const told = status['initContainerStatuses'] as { name: string; ready: boolean }[];
  assert.deepEqual(
    told.filter(({ ready }) => ready).map(({ name }) => name),
    ['done'],
  );
});

test('a container status', () => {
  assert.deepEqual(containerStatus(view('a', running, { restarts: 2, ready: true, started: true })), {
    name: 'a',
    image: 'i',
    imageID: 'podwire://i',
    containerID: 'podwire://1',
    ready: true,
    started: true,
    restartCount: 2,
    state: { running: { startedAt: '2026-01-02T03:04:05Z' } },
    lastState: {},
  });
});

test('containers to look around with say that they are not run', () => {
  const one = pod('Always', [view('a', running)]);
  assert.equal(podStatusPatch(one, at).status.ephemeralContainerStatuses, undefined);
  const spec = { containers: [], ephemeralContainers: [{ name: 'd', image: 'busybox' }] };
  const { status } = podStatusPatch({ ...one, pod: { ...one.pod, spec } }, at);
  const [first] = status.ephemeralContainerStatuses as { name: string; state: { waiting: { reason: string } } }[];
  assert.deepEqual([first?.name, first?.state.waiting.reason], ['d', 'NotSupported']);
});
