import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import fc from 'fast-check';
import { finishedCondition } from './job-conditions.ts';
import { INDEX, World } from './job-world.fixture.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;

const indexOf = (pod: Pod): string | undefined => pod.metadata?.annotations?.[INDEX];

test('whatever crashes in between, every pod counts once, no more run than may, and the Job ends', () => {
  const spec = fc.record({
    parallelism: fc.integer({ min: 1, max: 4 }),
    completions: fc.integer({ min: 0, max: 6 }),
    completionMode: fc.constantFrom('Indexed', 'NonIndexed'),
    backoffLimit: fc.integer({ min: 0, max: 3 }),
  });
  const action = fc.record({
    what: fc.constantFrom('step', 'crash', 'succeed', 'succeed', 'fail', 'delete', 'wait'),
    which: fc.nat({ max: 9 }),
  });
  fc.assert(
    fc.property(spec, fc.array(action, { maxLength: 40 }), (asked, actions) => {
      const world = new World(asked);
      const act = ({ what, which }: { what: string; which: number }): void => {
        const pod = world.running[which % Math.max(1, world.running.length)];
        if (what === 'step') world.step();
        else if (what === 'crash') world.step(which);
        else if (what === 'wait') world.now += which * 60_000;
        else if (pod && what === 'delete') {
          if (!finishedCondition(world.job)) world.ended.Failed++;
          world.remove(pod);
        } else if (pod) world.finish(pod, what === 'fail' ? 'Failed' : 'Succeeded');
        assert.ok(world.running.length <= asked.parallelism);
        if (asked.completionMode !== 'Indexed') return;
        const indexes = world.running.map(indexOf);
        assert.equal(new Set(indexes).size, indexes.length);
      };
      for (const one of actions) act(one);
      for (let i = 0; i < 60 && !finishedCondition(world.job); i++)
        for (const what of ['step', 'succeed', 'wait']) act({ what, which: 10 });
      const { status } = world.job;
      const outcome = finishedCondition(world.job)?.type;
      assert.ok(outcome, 'the Job did not end');
      assert.equal(status?.active ?? 0, 0);
      if (outcome === 'Complete') assert.ok((status?.succeeded ?? 0) >= asked.completions);
      else assert.ok((status?.failed ?? 0) > asked.backoffLimit);
      if (asked.completionMode === 'NonIndexed') assert.equal(status?.succeeded ?? 0, world.ended.Succeeded);
      // What the Job itself stops at its failure counts as failed, too.
      if (outcome === 'Complete') assert.equal(status?.failed ?? 0, world.ended.Failed);
    }),
    { numRuns: 300 },
  );
});

test('a pod on its way out is replaced at once, or when it has ended if the Job says so', () => {
  for (const [podReplacementPolicy, names] of [
    ['TerminatingOrFailed', 'p1'],
    ['Failed', 'p0'],
  ] as const) {
    const world = new World({ parallelism: 1, completions: 1, podReplacementPolicy });
    world.step();
    world.pods = world.pods.map((pod) => ({ ...pod, metadata: { ...pod.metadata, deletionGracePeriodSeconds: 30 } }));
    for (const pod of world.pods) world.remove(pod);
    assert.equal(world.step().status.terminating, 1);
    world.step();
    world.now += 600_000;
    world.step();
    assert.equal(world.pods.map(({ metadata }) => metadata?.name).join(), names, podReplacementPolicy);
  }
});

test('a pod that failed is made again after 10 s, then 20 s', () => {
  const world = new World({ parallelism: 1, completions: 1 });
  world.step();
  for (const seconds of [10, 20]) {
    const [pod] = world.running;
    assert.ok(pod);
    world.finish(pod, 'Failed');
    assert.equal(world.step().next, seconds * 1000);
    assert.equal(world.running.length, 0);
    world.now += seconds * 1000;
    world.step();
    assert.equal(world.running.length, 1);
  }
});

test('a queue of work ends with its pods once one has succeeded', () => {
  const world = new World({ parallelism: 2 });
  world.step();
  const [first, second] = world.running;
  assert.ok(first && second);
  world.finish(first, 'Succeeded');
  world.step();
  assert.equal(world.running.length, 1);
  world.finish(second, 'Succeeded');
  for (let i = 0; i < 3; i++) world.step();
  assert.equal(finishedCondition(world.job)?.type, 'Complete');
  assert.equal(world.job.status?.succeeded, 2);
});

test('a suspended Job has no pods and no start; a deadline counts from its start', () => {
  const world = new World({ parallelism: 2, completions: 2, activeDeadlineSeconds: 60 });
  world.step();
  world.job = { ...world.job, spec: { ...world.job.spec, suspend: true } as NonNullable<Job['spec']> };
  world.step();
  world.now += 3_600_000;
  assert.equal(world.step().status.startTime, undefined);
  assert.deepEqual([world.pods.length, world.job.status?.failed], [0, undefined]);
  assert.deepEqual(
    world.job.status?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
    [['Suspended', 'True', 'JobSuspended']],
  );
  world.job = { ...world.job, spec: { ...world.job.spec, suspend: false } as NonNullable<Job['spec']> };
  assert.equal(world.step().next, 60_000);
  assert.equal(world.running.length, 2);
  world.now += 60_000;
  for (let i = 0; i < 3; i++) world.step();
  assert.deepEqual(
    world.job.status?.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
    ['Suspended False JobResumed', 'FailureTarget True DeadlineExceeded', 'Failed True DeadlineExceeded'],
  );
});
