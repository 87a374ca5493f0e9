import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { statusOf } from '@podwire/kube';
import { isNodeAgent, RequestQueue } from './request-queue.ts';

const NODE = { name: 'system:node:n1', groups: ['system:nodes'] };
const SOMEBODY = { name: 'somebody', groups: [] };

test('node agents go before others; a seat is given back once', async () => {
  const queue = new RequestQueue({ seats: 1, patience: 60_000 });
  const seat = await queue.enter(SOMEBODY);
  const order: string[] = [];
  const come = (name: string, user: typeof NODE) =>
    queue.enter(user).then((own) => {
      order.push(name);
      own.leave();
    });
  const all = [come('a', SOMEBODY), come('b', SOMEBODY), come('n1', NODE), come('n2', NODE)];
  seat.leave();
  seat.leave();
  await Promise.all(all);
  assert.deepEqual([order, queue.taken], [['n1', 'n2', 'a', 'b'], 0]);
});

test('too many are told to come again', async () => {
  const queue = new RequestQueue({ seats: 1, waiting: 1, patience: 1 });
  const seat = await queue.enter(SOMEBODY);
  const answers = await Promise.allSettled([queue.enter(SOMEBODY), queue.enter(SOMEBODY)]);
  for (const answer of answers) {
    const status = answer.status === 'rejected' ? statusOf(answer.reason) : undefined;
    assert.deepEqual([status?.code, status?.reason, status?.details?.retryAfterSeconds], [429, 'TooManyRequests', 1]);
  }
  seat.leave();
  assert.equal(queue.taken, 0);
  (await queue.enter(NODE)).leave();
  assert.equal(queue.taken, 0);
});

test('who waits for somebody else has no seat meanwhile, and is before those in line afterwards', async () => {
  const queue = new RequestQueue({ seats: 1, patience: 60_000 });
  const order: string[] = [];
  const [seat, go] = [await queue.enter(SOMEBODY), Promise.withResolvers<string>()];
  const waits = seat.aside(() => go.promise).then((text) => order.push(text));
  const other = await queue.enter(SOMEBODY);
  const third = queue.enter(NODE).then((own) => {
    order.push('third');
    own.leave();
  });
  go.resolve('back');
  await setImmediate();
  assert.deepEqual([order, queue.taken], [[], 1]);
  other.leave();
  await waits;
  assert.deepEqual([order, queue.taken], [['back'], 1]);
  seat.leave();
  await third;
  assert.deepEqual([order, queue.taken], [['back', 'third'], 0]);
});

test('of several waits the last brings the seat back, and nobody has one who left meanwhile', async () => {
  const queue = new RequestQueue({ seats: 1, patience: 60_000 });
  const seat = await queue.enter(SOMEBODY);
  const [one, two, three] = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const waits = [one, two].map((until) => seat.aside(async () => until?.promise));
  await setImmediate();
  assert.equal(queue.taken, 0);
  one?.resolve();
  await waits[0];
  assert.equal(queue.taken, 0);
  two?.reject(new Error('no'));
  await assert.rejects(waits[1] ?? Promise.resolve(), { message: 'no' });
  assert.equal(queue.taken, 1);
  const last = seat.aside(async () => three?.promise);
  await setImmediate();
  seat.leave();
  three?.resolve();
  await last;
  assert.equal(queue.taken, 0);
  await seat.aside(async () => {});
  assert.equal(queue.taken, 0);
});

test('when too many are away the others keep their seats', async () => {
  const queue = new RequestQueue({ seats: 2, away: 1 });
  const seats = [await queue.enter(SOMEBODY), await queue.enter(SOMEBODY)];
  const go = Promise.withResolvers<void>();
  const waits = seats.map((seat) => seat.aside(() => go.promise));
  await setImmediate();
  assert.equal(queue.taken, 1);
  go.resolve();
  await Promise.all(waits);
  assert.equal(queue.taken, 2);
});

test('who is a node agent', () => {
  assert.equal(isNodeAgent(NODE), true);
  assert.equal(isNodeAgent({ name: 'system:serviceaccount:kube-system:podwire-agent', groups: [] }), true);
  assert.equal(isNodeAgent(SOMEBODY), false);
});
