import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { Worker } from 'node:worker_threads';

const start = (how: string) =>
  new Worker(new URL('./watching-worker.fixture.ts', import.meta.url), { workerData: how });

test('workers end by exit() while they watch, and the process lives on', async () => {
  for (let i = 0; i < 10; i++) {
    const [code] = await once(start('exit'), 'exit');
    assert.equal(code, 3);
  }
});

test('an error in a callback ends the worker like any other error', async () => {
  for (let i = 0; i < 10; i++) {
    const worker = start('throw');
    const exit = new Promise((resolve) => worker.once('exit', resolve)); // once() would reject with the error
    const [error] = await once(worker, 'error');
    assert.match(error.message, /thrown in a callback/);
    await exit;
  }
});
