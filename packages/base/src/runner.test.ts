import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from './logger.ts';
import { createRunner, done, type Outcome } from './runner.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a burst of triggers is one run, and one more for what came during it', async () => {
  let runs = 0;
  const runner = createRunner({
    name: 't',
    logger: silentLogger,
    run: async () => {
      runs++;
      await wait(5);
      return done;
    },
  });
  for (let i = 0; i < 100; i++) runner.trigger();
  while (runs === 0) await wait(1);
  runner.trigger();
  await runner.idle();
  assert.equal(runs, 2);
  await runner.stop();
});

test('retry and a throw are run again with growing waits; terminal waits for a trigger', async () => {
  const outcomes: (Outcome | Error)[] = [
    { kind: 'retry', reason: 'not yet' },
    new Error('broken'),
    { kind: 'terminal', reason: 'never' },
    done,
  ];
  const at: number[] = [];
  const runner = createRunner({
    name: 't',
    logger: silentLogger,
    backoff: [20, 1000],
    run: async () => {
      at.push(performance.now());
      const outcome = outcomes.shift() ?? done;
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
  });
  runner.trigger();
  await runner.idle();
  assert.deepEqual([at.length, runner.last], [1, { kind: 'retry', reason: 'not yet' }], 'idle waits for one try only');
  while (runner.last?.kind !== 'terminal') await wait(5);
  assert.equal(at.length, 3);
  assert.deepEqual(runner.last, { kind: 'terminal', reason: 'never' });
  const [a = 0, b = 0, c = 0] = at;
  assert.ok(b - a >= 18 && c - b >= 36, `waited ${b - a} and ${c - b} ms`);
  runner.trigger();
  await runner.idle();
  assert.deepEqual(runner.last, done);
  await runner.stop();
});

test('minInterval spaces the starts, stop ends everything and releases who waits', async () => {
  const at: number[] = [];
  const runner = createRunner({
    name: 't',
    logger: silentLogger,
    minInterval: 30,
    run: async () => {
      at.push(performance.now());
      return done;
    },
  });
  runner.trigger();
  await runner.idle();
  runner.trigger();
  await runner.idle();
  assert.ok((at[1] ?? 0) - (at[0] ?? 0) >= 28, `${(at[1] ?? 0) - (at[0] ?? 0)} ms between the starts`);
  runner.trigger();
  const idle = runner.idle();
  await runner.stop();
  await idle;
  assert.equal(at.length, 2);
});

test('a change during a long backoff is tried within a second, and idle waits for that try', async () => {
  let broken = true;
  const runner = createRunner({
    name: 't',
    logger: silentLogger,
    backoff: [60_000, 60_000],
    run: async () => {
      await wait(5);
      return broken ? { kind: 'retry', reason: 'not yet' } : done;
    },
  });
  const begin = performance.now();
  runner.trigger();
  await wait(2);
  // This one comes during the run: the state it stands for is not tried by it.
  runner.trigger();
  await runner.idle();
  const took = performance.now() - begin;
  // A second rather than the minute of the backoff.
  assert.ok(took > 900 && took < 30_000, `${took} ms`);
  assert.equal(runner.last?.kind, 'retry');
  broken = false;
  await wait(500);
  runner.trigger();
  runner.trigger();
  await runner.idle();
  assert.deepEqual(runner.last, done);
  assert.ok(performance.now() - begin < 50_000);
  await runner.stop();
});
