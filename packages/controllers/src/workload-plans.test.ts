import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { nameOf } from './context.ts';
import { planDaemons as planWithin } from './daemon/daemon-plan.ts';
import { daemonPod } from './daemon/daemon-pod.ts';
import { planStateful } from './stateful/stateful-plan.ts';
import { statefulPod } from './stateful/stateful-pod.ts';

type Pod = ObjectOf<'Pod'>;
const ready = { conditions: [{ type: 'Ready', status: 'True' as const }] };
const template = (image: string, spec = {}) => ({
  metadata: { labels: { app: 'x' } },
  spec: { containers: [{ name: 'c', image }], ...spec },
});
const node = (name: string, spec: ObjectOf<'Node'>['spec'] = {}, labels = {}): ObjectOf<'Node'> => ({
  metadata: { name, labels },
  spec,
});

const planDaemons = (set: ObjectOf<'DaemonSet'>, nodes: ObjectOf<'Node'>[], pods: Pod[]) =>
  planWithin(set, { nodes, pods, now: 0 });

test('a daemon pod for every node, also cordoned and unready ones, but not beyond taints and the selector', () => {
  const set = (image: string, spec = {}): ObjectOf<'DaemonSet'> => ({
    metadata: { name: 'd', namespace: 'default', uid: 'u' },
    spec: { selector: {}, template: template(image, spec) },
  });
  const nodes = [
    node('a', { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] }),
    node('b', { taints: [{ key: 'gpu', effect: 'NoSchedule' }] }, { disk: 'ssd' }),
    node('c', { taints: [{ key: 'soft', effect: 'PreferNoSchedule' }] }),
  ];
  assert.deepEqual(planDaemons(set('one'), nodes, []), { create: ['a', 'c'], remove: [] });
  const tolerant = { tolerations: [{ key: 'gpu', operator: 'Exists' }], nodeSelector: { disk: 'ssd' } };
  assert.deepEqual(planDaemons(set('one', tolerant), nodes, []).create, ['b']);
  const pod = (name: string, at: string, from: ObjectOf<'DaemonSet'>, status = ready): Pod => {
    const made = daemonPod(from, at);
    return { ...made, metadata: { ...made.metadata, name }, status };
  };
  const steady = [pod('pa', 'a', set('one')), pod('pc', 'c', set('one'))];
  assert.deepEqual(planDaemons(set('one'), nodes, steady), { create: [], remove: [] });
  const doubled = [...steady, pod('pc2', 'c', set('one')), pod('px', 'gone', set('one'))];
  assert.deepEqual(planDaemons(set('one'), nodes, doubled).remove.map(nameOf), ['px', 'pc2']);
  assert.deepEqual(planDaemons(set('two'), nodes, steady).remove.map(nameOf), ['pa'], 'one at a time');
  const half = [pod('pa', 'a', set('two'), { conditions: [] }), pod('pc', 'c', set('one'))];
  assert.deepEqual(planDaemons(set('two'), nodes, half).remove, [], 'not while another is unavailable');
  const ending: Pod = { ...steady[0], metadata: { ...steady[0]?.metadata, deletionTimestamp: 'now' as never } };
  assert.deepEqual(planDaemons(set('one'), nodes, [ending]).create, ['c'], 'a node whose pod is ending waits');
});

test('a StatefulSet grows from the bottom, shrinks and updates from the top, one pod at a time', () => {
  const set = (replicas: number, image = 'one', more = {}): ObjectOf<'StatefulSet'> => ({
    metadata: { name: 'db', namespace: 'default', uid: 'u' },
    spec: { replicas, serviceName: 'db', selector: {}, template: template(image), ...more },
  });
  const pod = (ordinal: number, status: object = ready, image = 'one'): Pod => ({
    ...statefulPod(set(9, image), ordinal),
    status,
  });
  const plan = (wanted: ObjectOf<'StatefulSet'>, pods: Pod[]) => {
    const { create, remove } = planStateful(wanted, pods, 0);
    return [create, remove.map(nameOf)];
  };
  assert.deepEqual(plan(set(3), []), [[0], []]);
  assert.deepEqual(plan(set(3), [pod(0, {})]), [[], []], 'waits until db-0 is ready');
  assert.deepEqual(plan(set(3), [pod(0)]), [[1], []]);
  assert.deepEqual(plan(set(3), [pod(0), pod(2)]), [[1], []]);
  assert.deepEqual(plan(set(3, 'one', { podManagementPolicy: 'Parallel' }), []), [[0, 1, 2], []]);
  assert.deepEqual(plan(set(1), [pod(0), pod(1), pod(2)]), [[], ['db-2']]);
  assert.deepEqual(plan(set(0), [pod(0)]), [[], ['db-0']]);
  assert.deepEqual(plan(set(2, 'two'), [pod(0), pod(1)]), [[], ['db-1']]);
  assert.deepEqual(plan(set(2, 'two'), [pod(0), pod(1, {}, 'two')]), [[], []]);
  assert.deepEqual(plan(set(2, 'two'), [pod(0), pod(1, ready, 'two')]), [[], ['db-0']]);
  const huge = set(2_000_000_000, 'one', { podManagementPolicy: 'Parallel', ordinals: { start: 7 } });
  const [first] = plan(huge, [pod(8)]) as [number[]];
  assert.deepEqual([first.length, first[0], first[1], first.at(-1)], [499, 7, 9, 506]);
  assert.deepEqual(plan(set(2_000_000_000), [pod(0)]), [[1], []]);
  const partition = { updateStrategy: { rollingUpdate: { partition: 1 } } };
  assert.deepEqual(plan(set(2, 'two', partition), [pod(0), pod(1, ready, 'two')]), [[], []]);
  assert.deepEqual(plan(set(2), [pod(0), pod(1, { phase: 'Failed' })]), [[], ['db-1']]);
  assert.deepEqual(plan(set(1, 'two'), [pod(0, {}, 'one')]), [[], ['db-0']], 'a broken pod of the old template goes');
  const { spec, metadata } = statefulPod(set(1), 0);
  assert.deepEqual(
    [metadata?.name, metadata?.generateName, spec?.hostname, spec?.subdomain],
    ['db-0', undefined, 'db-0', 'db'],
  );
});
