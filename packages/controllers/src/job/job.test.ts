import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient, ObjectOf } from '@podwire/kube';
import { addNode, eventually, startControlPlane } from '../testing/control-plane.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';

const job = (name: string, image: string, spec: object = {}): ObjectOf<'Job'> => ({
  metadata: { name, namespace: 'default' },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image }] } }, ...spec },
});

async function ended(client: KubeClient, name: string): Promise<ObjectOf<'Job'>> {
  return eventually(`the end of ${name}`, async () => {
    const found = await client.get('Job', { namespace: 'default', name });
    return found?.status?.conditions?.some(({ type }) => type === 'Complete' || type === 'Failed') && found;
  });
}

test('Jobs make pods, count them, say how it ended, and go when their time is over', async (t) => {
  const clock = new VirtualClock('2030-01-01T00:00:00Z');
  const { client } = await startControlPlane(t, clock);
  await addNode(client, 'node-1');
  await client.create('Job', job('good', 'succeed', { completions: 3, parallelism: 2, completionMode: 'Indexed' }));
  const { status } = await ended(client, 'good');
  assert.deepEqual(status, {
    conditions: ['SuccessCriteriaMet', 'Complete'].map((type) => ({
      ...{ type, status: 'True', reason: 'CompletionsReached' },
      message: 'Reached expected number of succeeded pods',
      lastProbeTime: '2030-01-01T00:00:00Z',
      lastTransitionTime: '2030-01-01T00:00:00Z',
    })),
    startTime: '2030-01-01T00:00:00Z',
    completionTime: '2030-01-01T00:00:00Z',
    succeeded: 3,
    completedIndexes: '0-2',
    uncountedTerminatedPods: {},
    ready: 0,
    terminating: 0,
  });
  const labelSelector = 'batch.kubernetes.io/job-name=good,job-name=good';
  const items = await eventually('the release of all pods', async () => {
    const all = (await client.list('Pod', { namespace: 'default', labelSelector })).items;
    return all.every(({ metadata }) => !metadata?.finalizers) && all;
  });
  assert.deepEqual(items.map(({ spec }) => spec?.hostname).sort(), ['good-0', 'good-1', 'good-2']);

  await client.create('Job', job('bad', 'fail', { backoffLimit: 0, ttlSecondsAfterFinished: 60 }));
  const bad = await ended(client, 'bad');
  assert.deepEqual(
    bad.status?.conditions?.map(({ type, reason, message }) => [type, reason, message]),
    ['FailureTarget', 'Failed'].map((type) => [
      type,
      'BackoffLimitExceeded',
      'Job has reached the specified backoff limit',
    ]),
  );
  assert.equal(bad.status?.failed, 1);
  await eventually('the end of the time to live', async () => {
    clock.advance(61);
    return !(await client.get('Job', { namespace: 'default', name: 'bad' }));
  });
  const left = await client.list('Pod', { namespace: 'default', labelSelector: 'job-name=bad' });
  assert.deepEqual(left.items, []);
});

test('policies of failure and success, and a limit for each index, in a cluster', async (t) => {
  const clock = new VirtualClock('2030-01-01T00:00:00Z');
  const { client } = await startControlPlane(t, clock);
  await addNode(client, 'node-1');
  const indexed = { completions: 3, parallelism: 3, completionMode: 'Indexed' };
  await client.create('Job', job('per-index', 'fail', { ...indexed, backoffLimitPerIndex: 0 }));
  const perIndex = await ended(client, 'per-index');
  const { failed, failedIndexes, conditions } = perIndex.status ?? {};
  assert.deepEqual([failed, failedIndexes, conditions?.at(-1)?.reason], [3, '0-2', 'FailedIndexes']);
  await client.create(
    'Job',
    job('enough', 'succeed', { ...indexed, successPolicy: { rules: [{ succeededCount: 1 }] } }),
  );
  const enough = await ended(client, 'enough');
  assert.deepEqual(
    enough.status?.conditions?.map(({ type, reason }) => `${type} ${reason}`),
    ['SuccessCriteriaMet SuccessPolicy', 'Complete SuccessPolicy'],
  );
  const rules = [{ action: 'FailJob', onPodConditions: [{ type: 'Ready', status: 'False' }] }];
  await client.create('Job', job('fatal', 'fail', { podFailurePolicy: { rules } }));
  const fatal = await ended(client, 'fatal');
  assert.match(
    fatal.status?.conditions?.at(-1)?.message ?? '',
    /has condition Ready matching FailJob rule at index 0$/,
  );
  await eventually('the release of all pods', async () => {
    const { items } = await client.list('Pod', { namespace: 'default' });
    return items.every(({ metadata }) => !metadata?.finalizers);
  });
});

test('a Job with a selector of its own takes in pods of nobody that it selects, and counts them', async (t) => {
  const { client } = await startControlPlane(t);
  await addNode(client, 'node-1');
  const labels = { batch: 'left' };
  const pod = (name: string, more: object) => ({ metadata: { name, namespace: 'default', ...more } });
  const spec = { restartPolicy: 'Never', containers: [{ name: 'c', image: 'one' }] };
  await client.create('Pod', { ...pod('left', { labels }), spec });
  await client.create('Pod', { ...pod('other', { labels: { batch: 'other' } }), spec });
  const own = { manualSelector: true, selector: { matchLabels: labels } };
  const template = { metadata: { labels }, spec };
  const made = await client.create('Job', job('heir', 'one', { ...own, template }));
  const left = await eventually('its owner', async () => {
    const found = await client.get('Pod', { namespace: 'default', name: 'left' });
    return found?.metadata?.ownerReferences?.[0]?.uid === made.metadata?.uid && found;
  });
  assert.deepEqual(left.metadata?.finalizers, ['batch.kubernetes.io/job-tracking']);
  await eventually('one active pod', async () => {
    const { items } = await client.list('Pod', { namespace: 'default' });
    const { active } = (await client.get('Job', { namespace: 'default', name: 'heir' }))?.status ?? {};
    return active === 1 && items.length === 2;
  });
  await client.create('Pod', { ...pod('later', { labels }), spec });
  await eventually('the surplus goes', async () => {
    const { items } = await client.list('Pod', { namespace: 'default' });
    return items.length === 2 && items.some(({ metadata }) => metadata?.name === 'other');
  });
});
