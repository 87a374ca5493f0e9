import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { scaleDownOrder } from './scale-down-order.ts';

type Pod = ObjectOf<'Pod'>;

interface Traits {
  readonly node?: string;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly cost?: string;
  readonly readySince?: string;
  readonly restarts?: number;
  readonly made?: string;
}

/** Ready on node `a` for long, unless it says otherwise. */
function pod(name: string, traits: Traits = {}): Pod {
  const { node = 'a', phase = 'Running', ready = true, cost, readySince = '2026-01-01T00:01:00Z' } = traits;
  const { restarts: restartCount = 0, made = '2026-01-01T00:00:00Z' } = traits;
  const lastTransitionTime = readySince as never;
  return {
    metadata: {
      ...{ name, creationTimestamp: made as never },
      ...(cost ? { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } } : {}),
    },
    spec: { containers: [], ...(node ? { nodeName: node } : {}) },
    status: {
      ...{ phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }] },
      containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready, restartCount }],
    },
  };
}

test('each trait decides where those before it do not', () => {
  const order: readonly (readonly [string, Traits, Traits])[] = [
    ['without a node', { node: '', cost: '9' }, { phase: 'Pending', ready: false }],
    ['not running', { phase: 'Pending', cost: '9' }, { ready: false }],
    ['not ready', { ready: false, cost: '9' }, { cost: '-9' }],
    ['cheap', { cost: '-1', made: '2025-01-01T00:00:00Z' }, { readySince: '2026-01-02T00:00:00Z' }],
    ['ready for a short time', { readySince: '2026-01-02T00:00:00Z' }, { restarts: 5 }],
    ['often restarted', { restarts: 5 }, { made: '2026-01-01T00:00:30Z' }],
    ['young', { made: '2026-01-01T00:00:30Z' }, {}],
  ];
  for (const [why, first, second] of order)
    for (const pods of [
      [pod('x', first), pod('a', second)],
      [pod('a', second), pod('x', first)],
    ])
      assert.equal(scaleDownOrder(pods)[0]?.metadata?.name, 'x', why);
});

test('nodes with many pods of the same workload lose one first; a cost that is no number is none', () => {
  const pods = [pod('one', { node: 'a', readySince: '2026-01-03T00:00:00Z' }), pod('two', { node: 'b', cost: 'much' })];
  const names = (related?: readonly Pod[]) => scaleDownOrder(pods, related).map(({ metadata }) => metadata?.name);
  assert.deepEqual(names(), ['one', 'two']);
  assert.deepEqual(names([...pods, pod('old revision', { node: 'b' })]), ['two', 'one']);
});
