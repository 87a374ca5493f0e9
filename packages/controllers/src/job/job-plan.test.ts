import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import fc from 'fast-check';
import { finishedCondition } from './job-conditions.ts';
import { type JobStep, planJob } from './job-plan.ts';
import { TRACKING } from './job-pod.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;
type Phase = 'Running' | 'Succeeded' | 'Failed';

const START = Date.parse('2030-01-01T00:00:00Z');
const INDEX = 'batch.kubernetes.io/job-completion-index';

const job = (spec: object, status: object = {}): Job => ({
  metadata: { name: 'j', namespace: 'default', uid: 'job' },
  spec: { backoffLimit: 6, template: { spec: { containers: [], restartPolicy: 'Never' } }, ...spec },
  status,
});

/** A Job, its pods and a kubelet, all in memory. */
class World {
  job: Job;
  pods: Pod[] = [];
  now = START;
  /** What really happened to pods nobody but the kubelet touched. */
  readonly ended = { Succeeded: 0, Failed: 0 };
  #made = 0;

  constructor(spec: object) {
    this.job = job(spec);
  }

  /** Takes a step up to a crash after so many of its parts. */
  step(parts = Number.POSITIVE_INFINITY): JobStep {
    const step = planJob(this.job, this.pods, this.now);
    const acts: (() => void)[] = [
      () => {
        this.job = { ...this.job, status: step.status };
      },
      ...[...step.release, ...step.withdraw].map((pod) => () => this.#change(pod, { finalizers: [] })),
      ...[...step.stop, ...step.withdraw].map((pod) => () => this.remove(pod)),
      ...step.create.map((index) => () => this.#make(index)),
    ];
    for (const act of acts.slice(0, parts)) act();
    return step;
  }

  finish(pod: Pod, phase: Phase): void {
    const finishedAt = new Date(this.now).toISOString();
    const status = { phase, containerStatuses: [{ state: { terminated: { exitCode: 0, finishedAt } } }] };
    this.#replace(pod, { ...pod, status: status as Pod['status'] & object });
    if (phase !== 'Running') this.ended[phase]++;
  }

  /** As the API server does: at once, or when the finalizer goes. */
  remove(pod: Pod): void {
    this.#change(pod, { deletionTimestamp: new Date(this.now).toISOString() });
  }

  get running(): Pod[] {
    return this.pods.filter(({ metadata, status }) => status?.phase === 'Running' && !metadata?.deletionTimestamp);
  }

  #make(index: number | undefined): void {
    const name = `p${this.#made++}`;
    const annotations = index === undefined ? {} : { [INDEX]: String(index) };
    const metadata = { name, uid: name, finalizers: [TRACKING], annotations };
    this.pods.push({ metadata, spec: { containers: [] }, status: { phase: 'Running' } });
  }

  #change(pod: Pod, metadata: object): void {
    const present = this.pods.find((one) => one.metadata?.uid === pod.metadata?.uid);
    if (present) this.#replace(present, { ...present, metadata: { ...present.metadata, ...metadata } });
  }

  #replace(pod: Pod, next: Pod): void {
    const isGone = next.metadata?.deletionTimestamp && !next.metadata.finalizers?.length;
    this.pods = this.pods.flatMap((one) => (one.metadata?.uid !== pod.metadata?.uid ? [one] : isGone ? [] : [next]));
  }
}

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
