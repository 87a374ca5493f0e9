import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../virtual-clock.fixture.ts';
import { runWorkers } from './run-workers.ts';
import { WorkQueue } from './work-queue.ts';

test('no more keys than asked for are in work at once, and each once', async () => {
  const queue = new WorkQueue();
  const seen: string[] = [];
  let [inWork, most] = [0, 0];
  const reconcile = async (key: string): Promise<undefined> => {
    most = Math.max(most, ++inWork);
    seen.push(key);
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    inWork--;
  };
  const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`);
  for (const key of keys) queue.add(key);
  const over = runWorkers(queue, { reconcile, concurrency: 3 });
  await queue.shutDown({ drain: true });
  await over;
  assert.deepEqual([seen, most], [keys, 3]);
});

test('what fails is tried again and forgotten when it succeeds; a later look comes when it was asked for', async () => {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ clock, limits: { waits: [10, 1000], random: () => 1 } });
  const [runs, failures]: [number[], [string, unknown, number][]] = [[], []];
  const fault = new Error('not yet');
  const reconcile = async (): Promise<number | undefined> => {
    runs.push(clock.now());
    if (runs.length < 3) throw fault;
    return runs.length === 3 ? 500 : undefined;
  };
  const onFailure = (key: string, error: unknown, retries: number) => failures.push([key, error, retries]);
  const stop = new AbortController();
  const over = runWorkers(queue, { reconcile, onFailure, signal: stop.signal });
  queue.add('a');
  await clock.advance(10_000);
  assert.deepEqual(runs, [0, 10, 30, 530]);
  assert.deepEqual(failures, [
    ['a', fault, 1],
    ['a', fault, 2],
  ]);
  assert.equal(queue.retries('a'), 0);
  stop.abort();
  await over;
});

test('an abort reaches the work that goes on, which is waited for, and what fails then is not told', async () => {
  const queue = new WorkQueue();
  const stop = new AbortController();
  const seen: string[] = [];
  const reconcile = async (key: string, signal: AbortSignal): Promise<undefined> => {
    seen.push(key);
    stop.abort();
    assert.equal(signal.aborted, true);
    throw new Error('called off');
  };
  queue.add('a');
  queue.add('b');
  await runWorkers(queue, { reconcile, signal: stop.signal, onFailure: (key) => seen.push(`${key} failed`) });
  assert.deepEqual(seen, ['a']);
  await runWorkers(new WorkQueue(), { reconcile, signal: stop.signal });
});
