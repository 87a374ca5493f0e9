import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import fc from 'fast-check';
import { timestamp } from '../clock.ts';
import { cronJobName, planCron } from './cron-plan.ts';

type Job = ObjectOf<'Job'>;
const START = Date.parse('2030-01-01T00:00:00Z');
const MINUTE = 60_000;

const cron = (spec: object, status: object = {}): ObjectOf<'CronJob'> => ({
  metadata: { name: 'c', namespace: 'default', uid: 'cron', creationTimestamp: timestamp(START) },
  spec: { schedule: '*/5 * * * *', jobTemplate: {}, ...spec },
  status,
});
const job = (at: number, end?: 'Complete' | 'Failed'): Job => {
  const name = `c-${at / MINUTE}`;
  const conditions = end ? [{ type: end, status: 'True' }] : [];
  const completionTime = end === 'Complete' ? { completionTime: timestamp(at + MINUTE) } : {};
  return { metadata: { name, uid: name }, status: { startTime: timestamp(at), conditions, ...completionTime } };
};
const listed = (...jobs: Job[]) => ({
  active: jobs.map(({ metadata }) => ({ uid: metadata?.uid, name: metadata?.name })),
});

test('nothing before the first time, then the latest time that has come, once', () => {
  assert.deepEqual(planCron(cron({}), [], START + MINUTE), { status: {}, remove: [], remarks: [], next: 4 * MINUTE });
  const step = planCron(cron({}), [], START + 11 * MINUTE);
  assert.deepEqual([step.create, step.next], [START + 10 * MINUTE, 4 * MINUTE]);
  const made = job(START + 10 * MINUTE);
  assert.equal(planCron(cron({}), [made], START + 11 * MINUTE).create, undefined);
  const after = cron({}, { lastScheduleTime: timestamp(START + 10 * MINUTE) });
  assert.equal(planCron(after, [], START + 11 * MINUTE).create, undefined);
});

test('suspended, and too late', () => {
  assert.equal(planCron(cron({ suspend: true }), [], START + 11 * MINUTE).create, undefined);
  const late = planCron(cron({ startingDeadlineSeconds: 30 }), [], START + 11 * MINUTE);
  assert.deepEqual([late.create, late.next], [undefined, 4 * MINUTE]);
  assert.equal(planCron(cron({ startingDeadlineSeconds: 90 }), [], START + 11 * MINUTE).create, START + 10 * MINUTE);
});

test('a Job that still runs: Allow, Forbid, Replace', () => {
  const running = job(START + 5 * MINUTE);
  const plan = (concurrencyPolicy: string) =>
    planCron(cron({ concurrencyPolicy }, listed(running)), [running], START + 10 * MINUTE);
  assert.deepEqual([plan('Allow').create, plan('Allow').remove], [START + 10 * MINUTE, []]);
  assert.deepEqual([plan('Forbid').create, plan('Forbid').remarks[0]?.reason], [undefined, 'JobAlreadyActive']);
  assert.deepEqual([plan('Replace').create, plan('Replace').remove], [START + 10 * MINUTE, [running]]);
});

test('history: so many Jobs of each outcome stay, the latest', () => {
  const jobs = [1, 2, 3, 4].map((n) => job(START + n * MINUTE, n === 2 ? 'Failed' : 'Complete'));
  const spec = { suspend: true, successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 };
  const step = planCron(cron(spec, listed(...jobs)), jobs, START + 5 * MINUTE);
  assert.deepEqual(step.remove, [jobs[0], jobs[2], jobs[1]]);
  assert.deepEqual(step.status, { lastSuccessfulTime: timestamp(START + 5 * MINUTE) });
  assert.deepEqual(step.remarks[0], {
    ...{ type: 'Normal', reason: 'SawCompletedJob' },
    message: `Saw completed job: ${cronJobName(cron({}), START + MINUTE)}, condition: Complete`,
  });
});

test('away for long: one Job for the latest time, and a warning', () => {
  const step = planCron(cron({ schedule: '0 * * * *' }), [], START + 365 * 24 * 60 * MINUTE + MINUTE);
  assert.deepEqual([step.create, step.remarks[0]?.reason], [START + 365 * 24 * 60 * MINUTE, 'TooManyMissedTimes']);
});

test('an unknown time zone makes nothing but a warning', () => {
  const step = planCron(cron({ timeZone: 'Nowhere/Land' }), [], START + 11 * MINUTE);
  assert.deepEqual([step.create, step.remarks[0]?.reason], [undefined, 'UnknownTimeZone']);
});

test('looked at whenever, every time makes one Job when each look comes before the next time', () => {
  const looks = fc.array(fc.integer({ min: 1, max: 299 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(looks, (seconds) => {
      let now = START;
      let status = {};
      const made: number[] = [];
      for (const wait of seconds) {
        now += wait * 1000;
        const { create } = planCron(cron({}, status), [], now);
        if (create === undefined) continue;
        made.push(create);
        status = { lastScheduleTime: timestamp(create) };
      }
      const expected = Math.floor((now - START) / (5 * MINUTE));
      assert.deepEqual(
        made,
        Array.from({ length: expected }, (_, n) => START + (n + 1) * 5 * MINUTE),
      );
    }),
    { numRuns: 100 },
  );
});
