import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOf } from '@podwire/kube';
import { isNodeAgent, RequestQueue } from './request-queue.ts';

const NODE = { name: 'system:node:n1', groups: ['system:nodes'] };
const SOMEBODY = { name: 'somebody', groups: [] };

test('node agents go before others; a seat is given back once', async () => {
  const queue = new RequestQueue({ seats: 1, patience: 60_000 });
  const leave = await queue.enter(SOMEBODY);
  const order: string[] = [];
  const come = (name: string, user: typeof NODE) =>
    queue.enter(user).then((done) => {
      order.push(name);
      done();
    });
  const all = [come('a', SOMEBODY), come('b', SOMEBODY), come('n1', NODE), come('n2', NODE)];
  leave();
  leave();
  await Promise.all(all);
  assert.deepEqual([order, queue.taken], [['n1', 'n2', 'a', 'b'], 0]);
});

test('too many are told to come again', async () => {
  const queue = new RequestQueue({ seats: 1, waiting: 1, patience: 1 });
  const leave = await queue.enter(SOMEBODY);
  const answers = await Promise.allSettled([queue.enter(SOMEBODY), queue.enter(SOMEBODY)]);
  for (const answer of answers) {
    const status = answer.status === 'rejected' ? statusOf(answer.reason) : undefined;
    assert.deepEqual([status?.code, status?.reason, status?.details?.retryAfterSeconds], [429, 'TooManyRequests', 1]);
  }
  leave();
  assert.equal(queue.taken, 0);
  (await queue.enter(NODE))();
  assert.equal(queue.taken, 0);
});

test('who is a node agent', () => {
  assert.equal(isNodeAgent(NODE), true);
  assert.equal(isNodeAgent({ name: 'system:serviceaccount:kube-system:podwire-agent', groups: [] }), true);
  assert.equal(isNodeAgent(SOMEBODY), false);
});
