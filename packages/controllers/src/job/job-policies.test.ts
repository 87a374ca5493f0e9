import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import fc from 'fast-check';
import { parseIndexes } from './index-set.ts';
import { finishedCondition } from './job-conditions.ts';
import { INDEX, World } from './job-world.fixture.ts';

type Pod = ObjectOf<'Pod'>;

const indexOf = ({ metadata }: Pod): number => Number(metadata?.annotations?.[INDEX]);

/** Steps, with backoffs waited for, until nothing but pods could change anything. */
function settle(world: World): void {
  for (let i = 0; i < 4; i++) {
    world.step();
    world.now += 700_000;
  }
  world.step();
}

const reasons = ({ job }: World) => job.status?.conditions?.map(({ type, reason }) => `${type} ${reason}`) ?? [];

function running(world: World, index?: number): Pod {
  const found = world.running.find((pod) => index === undefined || indexOf(pod) === index);
  assert.ok(found, `no pod runs for index ${index}`);
  return found;
}

const rule = (action: string, more: object) => ({ action, onPodConditions: [], ...more });
const exit = (operator: string, ...values: number[]) => ({ onExitCodes: { operator, values } });
const disrupted = { onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] };

test('podFailurePolicy: ignored failures count for nothing, others as always, and some end the Job', () => {
  const rules = [rule('Ignore', disrupted), rule('FailJob', exit('In', 42)), rule('Count', exit('NotIn', 7))];
  const world = new World({ parallelism: 1, completions: 1, backoffLimit: 1, podFailurePolicy: { rules } });
  settle(world);
  const gone = [{ type: 'DisruptionTarget', status: 'True' }];
  for (let i = 0; i < 3; i++) {
    world.finish(running(world), 'Failed', { conditions: gone });
    assert.equal(world.step().next, undefined, 'no wait for what is ignored');
    settle(world);
  }
  assert.equal(world.job.status?.failed ?? 0, 0);
  assert.ok(world.pods.every(({ metadata, status }) => status?.phase === 'Running' || !metadata?.finalizers?.length));
  world.finish(running(world), 'Failed', { exitCode: 3 });
  settle(world);
  assert.equal(world.job.status?.failed, 1);
  const last = running(world);
  world.finish(last, 'Failed', { exitCode: 42 });
  settle(world);
  assert.deepEqual(reasons(world), ['FailureTarget PodFailurePolicy', 'Failed PodFailurePolicy']);
  const { message } = finishedCondition(world.job) ?? {};
  const name = last.metadata?.name;
  assert.equal(
    message,
    `Container c for pod default/${name} failed with exit code 42 matching FailJob rule at index 1`,
  );
});

test('backoffLimitPerIndex: each index has its own failures, and the others go on', () => {
  const spec = { parallelism: 3, completions: 3, completionMode: 'Indexed', backoffLimitPerIndex: 1 };
  const world = new World({ ...spec, backoffLimit: 2 ** 31 - 1 });
  settle(world);
  world.finish(running(world, 1), 'Failed');
  assert.equal(world.step().next, 10_000);
  assert.ok(
    world.pods.some((pod) => pod.metadata?.finalizers?.length && pod.status?.phase === 'Failed'),
    'kept',
  );
  settle(world);
  assert.equal(running(world, 1).metadata?.annotations?.['batch.kubernetes.io/job-index-failure-count'], '1');
  assert.ok(
    world.pods.every((pod) => pod.status?.phase !== 'Failed' || !pod.metadata?.finalizers?.length),
    'let go',
  );
  world.finish(running(world, 1), 'Failed');
  settle(world);
  assert.deepEqual([world.job.status?.failedIndexes, world.running.map(indexOf)], ['1', [0, 2]]);
  for (const index of [0, 2]) world.finish(running(world, index), 'Succeeded');
  settle(world);
  assert.deepEqual(reasons(world), ['FailureTarget FailedIndexes', 'Failed FailedIndexes']);
  const { completedIndexes, failedIndexes, failed, succeeded } = world.job.status ?? {};
  assert.deepEqual([completedIndexes, failedIndexes, failed, succeeded], ['0,2', '1', 2, 2]);
});

test('FailIndex gives an index up at once; maxFailedIndexes gives all up', () => {
  const spec = { parallelism: 3, completions: 3, completionMode: 'Indexed', backoffLimitPerIndex: 5 };
  const rules = [rule('FailIndex', exit('In', 42))];
  const world = new World({ ...spec, backoffLimit: 1000, maxFailedIndexes: 1, podFailurePolicy: { rules } });
  settle(world);
  world.finish(running(world, 2), 'Failed', { exitCode: 42 });
  settle(world);
  assert.deepEqual([world.job.status?.failedIndexes, world.running.map(indexOf)], ['2', [0, 1]]);
  world.finish(running(world, 0), 'Failed', { exitCode: 42 });
  settle(world);
  assert.deepEqual(reasons(world).slice(0, 1), ['FailureTarget MaxFailedIndexesExceeded']);
  assert.equal(finishedCondition(world.job)?.type, 'Failed');
  assert.deepEqual(world.running, []);
});

test('successPolicy: enough of the right indexes, and the rest is withdrawn', () => {
  const outcome = (rules: object[], succeeded: number[]): string => {
    const spec = { parallelism: 5, completions: 5, completionMode: 'Indexed', successPolicy: { rules } };
    const world = new World(spec);
    settle(world);
    for (const index of succeeded) world.finish(running(world, index), 'Succeeded');
    settle(world);
    const end = finishedCondition(world.job);
    if (end) assert.deepEqual(world.running, []);
    return end ? `${end.reason} ${end.message}` : 'running';
  };
  const first = { succeededIndexes: '0,2-3' };
  assert.equal(outcome([first], [0, 2]), 'running');
  assert.equal(outcome([first], [0, 2, 3]), 'SuccessPolicy Matched rules at index 0');
  assert.equal(outcome([{ ...first, succeededCount: 1 }], [1, 4]), 'running');
  assert.equal(outcome([first, { succeededCount: 2 }], [1, 4]), 'SuccessPolicy Matched rules at index 1');
  assert.equal(outcome([{ succeededIndexes: '0-2000000000' }], [0, 1]), 'running', 'whatever is asked for');
  assert.equal(parseIndexes('999990-2000000000').size, 10);
  assert.equal(parseIndexes('x,3-,1').size, 1);
});

test('with a limit for each index, whatever crashes in between: each fails limit + 1 times or succeeds', () => {
  const action = fc.record({
    what: fc.constantFrom('step', 'crash', 'succeed', 'fail', 'fail', 'wait'),
    which: fc.nat({ max: 9 }),
  });
  const size = fc.record({ completions: fc.integer({ min: 1, max: 4 }), limit: fc.integer({ min: 0, max: 2 }) });
  fc.assert(
    fc.property(size, fc.array(action, { maxLength: 40 }), ({ completions, limit }, actions) => {
      const spec = { completions, parallelism: 2, completionMode: 'Indexed', backoffLimitPerIndex: limit };
      const world = new World({ ...spec, backoffLimit: 2 ** 31 - 1 });
      const failures = new Map<number, number>();
      const act = ({ what, which }: { what: string; which: number }): void => {
        const pod = world.running[which % Math.max(1, world.running.length)];
        if (what === 'step') world.step();
        else if (what === 'crash') world.step(which);
        else if (what === 'wait') world.now += which * 100_000;
        else if (pod) {
          if (what === 'fail') failures.set(indexOf(pod), (failures.get(indexOf(pod)) ?? 0) + 1);
          world.finish(pod, what === 'fail' ? 'Failed' : 'Succeeded');
        }
        assert.ok(world.running.length <= 2);
      };
      for (const one of actions) act(one);
      for (let i = 0; i < 60 && !finishedCondition(world.job); i++)
        for (const what of ['step', 'succeed', 'wait', 'step']) act({ what, which: 10 });
      world.step();
      const failed = parseIndexes(world.job.status?.failedIndexes);
      const completed = parseIndexes(world.job.status?.completedIndexes);
      assert.equal(finishedCondition(world.job)?.reason, failed.size > 0 ? 'FailedIndexes' : 'CompletionsReached');
      for (let index = 0; index < completions; index++) {
        assert.equal(failed.has(index), (failures.get(index) ?? 0) > limit, `index ${index}`);
        assert.equal(completed.has(index), !failed.has(index));
        assert.ok((failures.get(index) ?? 0) <= limit + 1);
      }
      const all = [...failures.values()].reduce((sum, times) => sum + times, 0);
      assert.equal(world.job.status?.failed ?? 0, all);
      assert.ok(world.pods.every(({ metadata }) => !metadata?.finalizers?.length));
    }),
    { numRuns: 200 },
  );
});
