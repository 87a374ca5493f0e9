import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { endWorker } from './worker-end.ts';

async function watchingWorker(): Promise<Worker> {
  const worker = new Worker(new URL('./watching-worker.fixture.ts', import.meta.url));
  await once(worker, 'message');
  return worker;
}

test('a thread that watches descriptors is ended, and the process lives on', { timeout: 600_000 }, async () => {
  for (let i = 0; i < 5; i++) {
    const worker = await watchingWorker();
    assert.equal(await endWorker(worker, () => worker.postMessage('end')), true);
    assert.equal(worker.threadId, -1);
  }
});

test('a thread that does not end when asked is left alone', { timeout: 600_000 }, async () => {
  const worker = await watchingWorker();
  assert.equal(await endWorker(worker, () => worker.postMessage('ignore'), 50), false);
  assert.notEqual(worker.threadId, -1);
  assert.equal(await endWorker(worker, () => worker.postMessage('end')), true);
  assert.equal(await endWorker(worker, () => assert.fail('asked again')), true);
});
