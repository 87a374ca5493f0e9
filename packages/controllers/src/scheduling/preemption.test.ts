import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { nameOf } from '../context.ts';
import { addNode, eventually, startControlPlane } from '../testing/control-plane.ts';
import { ClusterView } from './cluster-view.ts';
import { planPreemption } from './preemption.ts';

type Pod = ObjectOf<'Pod'>;

const container = (cpu: string) => ({ name: 'c', image: 'one', resources: { requests: { cpu } } });
const node = (name: string, cpu = '2'): ObjectOf<'Node'> => ({
  metadata: { name, labels: { host: name } },
  status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: 'True' }] },
});

/** `a:low:-5:1`: name, node, priority, CPUs. */
function pod(line: string, more: object = {}): Pod {
  const [name = '', at = '', priority, cpu = '1'] = line.split(':');
  const spec = {
    containers: [container(cpu)],
    priority: Number(priority ?? 0),
    ...(at ? { nodeName: at } : {}),
    ...more,
  };
  return { metadata: { name, namespace: 'default', labels: { app: name } }, spec };
}

function plan(wanted: Pod, pods: readonly Pod[], budgets: readonly ObjectOf<'PodDisruptionBudget'>[] = []): string {
  const view = new ClusterView([node('x'), node('y')], pods);
  const before = view.nodes.map((at) => [at.name, at.pods.map(nameOf).sort(), [...at.requested]]);
  const found = planPreemption(wanted, view, budgets);
  const after = view.nodes.map((at) => [at.name, at.pods.map(nameOf).sort(), [...at.requested]]);
  assert.deepEqual(after, before, 'a plan changes nothing');
  return found ? `${found.node}: ${found.victims.map(nameOf).join()}` : 'none';
}

const guard = (app: string, disruptionsAllowed: number): ObjectOf<'PodDisruptionBudget'> => ({
  metadata: { name: app, namespace: 'default' },
  spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
});

test('as few and as unimportant pods as will do are sent away', () => {
  const full = [pod('a:x:5'), pod('b:x:1'), pod('c:y:2'), pod('d:y:3')];
  assert.equal(plan(pod('new::10'), full), 'x: b');
  assert.equal(plan(pod('new::10:2'), full), 'y: d,c');
  assert.equal(plan(pod('new::2'), full), 'x: b');
  assert.equal(plan(pod('new::1'), full), 'none', 'equals are left in peace');
  assert.equal(plan(pod('new::10:3'), full), 'none', 'an empty node would not do either');
  assert.equal(plan(pod('new::10', { preemptionPolicy: 'Never' }), full), 'none');
  assert.equal(plan(pod('new::10', { nodeSelector: { host: 'y' } }), full), 'y: c');
  assert.equal(plan(pod('new::10', { nodeSelector: { host: 'z' } }), full), 'none');
  assert.equal(plan(pod('new::10'), [pod('a:x:-5:2'), pod('b:y:-5'), pod('c:y:-5')]), 'x: a', 'one rather than two');
  const daemon = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'd', controller: true }];
  const [first, ...others] = full.toReversed() as [Pod, ...Pod[]];
  const pinned = { ...first, metadata: { ...first.metadata, ownerReferences: daemon } };
  assert.equal(plan(pod('new::10:2'), [pinned, ...others]), 'x: a,b', 'a daemon would come back');
  const ports = { containers: [{ ...container('0'), ports: [{ hostPort: 80, containerPort: 80 }] }] };
  assert.equal(plan(pod('new::10', ports), [pod('a:x:1', ports), pod('b:y:10', ports)]), 'x: a');
});

test('disruption budgets are broken only where nothing else helps', () => {
  const full = [pod('a:x:1'), pod('b:x:1'), pod('c:y:2'), pod('d:y:2')];
  assert.equal(plan(pod('new::10'), full, [guard('a', 0)]), 'x: b');
  assert.equal(plan(pod('new::10'), full, [guard('a', 0), guard('b', 0)]), 'y: d');
  assert.equal(plan(pod('new::10'), full, [guard('a', 0), guard('b', 1)]), 'x: b');
  const all = ['a', 'b', 'c', 'd'].map((app) => guard(app, 0));
  assert.match(plan(pod('new::10'), full, all), /^x: [ab]$/);
});

test('a pod of a high PriorityClass takes the place of one of a low', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1', { status: { allocatable: { cpu: '2' } } });
  for (const [name, value] of [
    ['low', 1],
    ['high', 1000],
  ] as const)
    await client.create('PriorityClass', { metadata: { name }, value });
  const create = (name: string, priorityClassName: string) =>
    client.create('Pod', {
      metadata: { name, namespace: 'default' },
      spec: { priorityClassName, containers: [container('1')] },
    });
  const get = (name: string) => client.get('Pod', { namespace: 'default', name });
  await create('one', 'low');
  await create('two', 'high');
  await eventually('both', async () => (await get('one'))?.status?.podIP && (await get('two'))?.status?.podIP);
  const held = { metadata: { finalizers: ['example.com/hold'] } };
  await client.patch('Pod', { namespace: 'default', name: 'one' }, held);
  await create('three', 'high');
  const waiting = await eventually('the promise', async () => {
    const status = (await get('three'))?.status;
    return status?.nominatedNodeName && status;
  });
  assert.equal(waiting.nominatedNodeName, 'node-1');
  assert.equal(waiting.conditions?.[0]?.message, '0/1 nodes are available: 1 Insufficient cpu.');
  const victim = await get('one');
  const reasons = victim?.status?.conditions?.map(({ reason }) => reason) ?? [];
  assert.ok(reasons.includes('PreemptionByScheduler'), reasons.join());
  // What comes later and matters less has no use for the room that is made.
  await create('four', 'low');
  await client.patch('Pod', { namespace: 'default', name: 'one' }, { metadata: { finalizers: null } });
  await eventually('the third', async () => (await get('three'))?.status?.podIP);
  assert.equal((await get('one')) ?? undefined, undefined);
  const refusal = await eventually('a refusal', async () => (await get('four'))?.status?.conditions?.[0]?.message);
  assert.match(refusal, /1 No preemption victims found for incoming pod/);
  const items = await eventually('the event', async () => {
    const all = (await client.list('Event', { namespace: 'default' })).items;
    return all.some(({ reason }) => reason === 'Preempted') && all;
  });
  assert.deepEqual(
    items.filter(({ reason }) => reason === 'Preempted').map((one) => one.involvedObject.name),
    ['one'],
  );
});
