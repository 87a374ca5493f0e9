import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { timestamp } from '../clock.ts';
import { nameOf } from '../context.ts';
import { daemonStatus, planDaemons } from './daemon-plan.ts';
import { daemonPod } from './daemon-pod.ts';

type Pod = ObjectOf<'Pod'>;
type DaemonSet = ObjectOf<'DaemonSet'>;

const NOW = Date.parse('2030-01-01T00:00:00Z');
const nodes = ['a', 'b', 'c'].map((name): ObjectOf<'Node'> => ({ metadata: { name } }));

const set = (image: string, rollingUpdate: object = {}, minReadySeconds = 0): DaemonSet => ({
  metadata: { name: 'd', namespace: 'default', uid: 'u' },
  spec: {
    selector: {},
    minReadySeconds,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate },
    template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image }] } },
  },
});

/** Ready for so many seconds; undefined: not ready. */
function pod(node: string, image: string, seconds: number | undefined): Pod {
  const made = daemonPod(set(image), node);
  const lastTransitionTime = timestamp(NOW - (seconds ?? 0) * 1000);
  const conditions = [{ type: 'Ready', status: seconds === undefined ? 'False' : 'True', lastTransitionTime }];
  return {
    ...made,
    metadata: { ...made.metadata, name: `${node}-${image}` },
    status: { phase: 'Running', conditions },
  };
}

function plan(of: DaemonSet, pods: readonly Pod[], now = NOW) {
  const { create, remove, next } = planDaemons(of, { nodes, pods, now });
  return [create.join(), remove.map(nameOf).join(), next];
}

const steady = [pod('a', 'one', 60), pod('b', 'one', 60), pod('c', 'one', 60)];

test('a pod that is ready, but not for long enough, holds up the update', () => {
  assert.deepEqual(plan(set('two', {}, 30), steady), ['', 'a-one', undefined]);
  const [, b, c] = steady as [Pod, Pod, Pod];
  assert.deepEqual(plan(set('two', {}, 30), [pod('a', 'two', 10), b, c]), ['', '', 20_000]);
  assert.deepEqual(plan(set('two', {}, 30), [pod('a', 'two', 30), b, c]), ['', 'b-one', undefined]);
  assert.deepEqual(plan(set('two', { maxUnavailable: '50%' }, 30), [pod('a', 'two', 10), b, c]), ['', 'b-one', 20_000]);
  const view = { nodes, pods: [pod('a', 'two', 10), b, c], now: NOW };
  const { numberReady, numberAvailable, numberUnavailable, updatedNumberScheduled } = daemonStatus(
    set('two', {}, 30),
    view,
  );
  assert.deepEqual([numberReady, numberAvailable, numberUnavailable, updatedNumberScheduled], [3, 2, 1, 1]);
});

test('maxSurge: the new pod comes first, and the old one goes when it is available', () => {
  const surging = set('two', { maxSurge: 1, maxUnavailable: 0 }, 30);
  const [a, b, c] = steady as [Pod, Pod, Pod];
  assert.deepEqual(plan(surging, steady), ['a', '', undefined]);
  assert.deepEqual(plan(surging, [...steady, pod('a', 'two', undefined)]), ['', '', undefined]);
  assert.deepEqual(plan(surging, [...steady, pod('a', 'two', 10)]), ['', '', 20_000]);
  assert.deepEqual(plan(surging, [...steady, pod('a', 'two', 30)]), ['b', 'a-one', undefined]);
  assert.deepEqual(plan(set('two', { maxSurge: '60%' }), steady), ['a,b', '', undefined]);
  const broken = pod('c', 'one', undefined);
  assert.deepEqual(plan(surging, [a, b, broken]), ['a,c', '', undefined], 'where none serves at once');
  assert.deepEqual(plan(surging, [a, b, broken, pod('c', 'two', undefined)])[1], 'c-one', 'it is of no use');
  assert.deepEqual(plan(set('one', { maxSurge: 1 }), [a, b, c, pod('c', 'two', 60)])[1], 'c-two', 'rolled back');
  const ending = { ...a, metadata: { ...a.metadata, deletionTimestamp: 'now' as never } };
  assert.deepEqual(plan(surging, [ending, b, c]), ['b', '', undefined], 'a node whose pod ends waits');
});

test('a pod that fails is replaced after a second, at the earliest', () => {
  const [a, b, c] = steady as [Pod, Pod, Pod];
  const metadata = { ...c.metadata, creationTimestamp: timestamp(NOW) as never };
  const failed: Pod = { ...c, metadata, status: { phase: 'Failed' } };
  assert.deepEqual(plan(set('one'), [a, b, failed]), ['', '', 1000]);
  assert.deepEqual(plan(set('one'), [a, b, failed], NOW + 1000), ['', 'c-one', undefined]);
});
