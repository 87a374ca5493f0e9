import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { type NodeThread, NodeWorker, type NodeWorkerData } from './node-thread.ts';

/** An agent that answers start, status and stop, dies of `plan` and ends quietly on `diff`. */
const AGENT = `import { parentPort } from 'node:worker_threads';
parentPort.on('message', ({ id, method }) => {
  if (method === 'plan') throw new Error('out of luck');
  if (method === 'diff') process.exit(3);
  if (method === 'exit') process.exit(0);
  if (method !== 'idle') parentPort.postMessage({ id, result: [{ room: 'fabric', ready: true, errors: [], facts: {} }] });
});`;
const module = new URL(`data:text/javascript,${encodeURIComponent(AGENT)}`);
const data = { nodeName: 'node-7' } as NodeWorkerData;

async function agent(): Promise<{ node: NodeThread; deaths: string[] }> {
  const deaths: string[] = [];
  const worker = new NodeWorker({ writeLog: () => {}, onDeath: (error) => deaths.push(error.message), module });
  return { node: await worker.start(data), deaths };
}

const dead = (why: RegExp) => (error: Error) =>
  hasCode(error, 'LAB_NODE') && error.message.includes('node-7') && why.test(error.message);

for (const [how, method, why] of [
  ['throws', 'plan', /out of luck/],
  ['exits', 'diff', /exit code 3/],
] as const) {
  test(`an agent that ${how}: pending and later calls are rejected, stop is not`, { timeout: 600_000 }, async () => {
    const { node, deaths } = await agent();
    assert.deepEqual(node.rooms, ['fabric']);
    const pending = assert.rejects(node.idle(), dead(why));
    await assert.rejects(node[method](), dead(why));
    await pending;
    await assert.rejects(node.status(), dead(why));
    await node.stop();
    assert.equal(deaths.length, 1);
  });
}

test('a stop that was asked for is no death', { timeout: 600_000 }, async () => {
  const { node, deaths } = await agent();
  await node.stop();
  assert.deepEqual(deaths, []);
  await assert.rejects(node.status(), dead(/exit code.*until the node is brought up$/));
});
