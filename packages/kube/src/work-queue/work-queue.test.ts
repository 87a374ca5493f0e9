import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../virtual-clock.fixture.ts';
import { WorkQueue } from './work-queue.ts';

const whole = () => 1;

/** What a taker who waits for it gets. */
async function taken(queue: WorkQueue, count: number): Promise<(string | undefined)[]> {
  return Promise.all(Array.from({ length: count }, () => queue.get()));
}

test('keys come once, in the order in which they were first added', async () => {
  const queue = new WorkQueue();
  for (const key of ['b', 'a', 'b', 'c', 'a']) queue.add(key);
  assert.equal(queue.depth, 3);
  assert.deepEqual(await taken(queue, 3), ['b', 'a', 'c']);
  assert.equal(queue.depth, 0);
});

test('a key added while in work, however often, comes once more when it is done', async () => {
  const queue = new WorkQueue();
  for (const key of ['a', 'b']) queue.add(key);
  await taken(queue, 2);
  for (const key of ['a', 'a', 'c', 'a']) queue.add(key);
  assert.equal(queue.depth, 1);
  queue.done('a');
  queue.done('b');
  assert.deepEqual(await taken(queue, 2), ['c', 'a']);
  queue.done('nobody has it');
  queue.done('a');
  assert.equal(queue.depth, 0);
});

test('of several delays the one that ends first counts', async () => {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ clock });
  queue.addAfter('late', 50);
  queue.addAfter('early', 300);
  queue.addAfter('early', 20);
  queue.addAfter('early', 100);
  queue.addAfter('now', 0);
  await clock.advance(19);
  assert.equal(queue.depth, 1);
  await clock.advance(1000);
  assert.deepEqual(await taken(queue, 3), ['now', 'early', 'late']);
  assert.equal(queue.depth, 0);
});

test('a delay of months ends when it should', async () => {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ clock });
  const months = 100 * 24 * 3_600_000;
  queue.addAfter('a', months);
  await clock.advance(months - 1);
  assert.equal(queue.depth, 0);
  await clock.advance(1);
  assert.equal(queue.depth, 1);
});

test('waits of a key that fails double up to the last one, until it is forgotten', async () => {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ clock, limits: { waits: [10, 60], random: whole } });
  for (const wait of [10, 20, 40, 60, 60]) {
    queue.addRateLimited('a');
    await clock.advance(wait - 1);
    assert.equal(queue.depth, 0);
    await clock.advance(1);
    assert.deepEqual(await taken(queue, 1), ['a']);
    queue.done('a');
  }
  assert.equal(queue.retries('a'), 5);
  assert.equal(queue.retries('b'), 0);
  queue.forget('a');
  assert.equal(queue.retries('a'), 0);
  queue.addRateLimited('a');
  await clock.advance(10);
  assert.equal(queue.depth, 1);
});

test('chance takes up to half of a wait away', async () => {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ clock, limits: { waits: [100, 100], random: () => 0 } });
  queue.addRateLimited('a');
  await clock.advance(50);
  assert.equal(queue.depth, 1);
});

test('when many keys fail they are tried again at the rate for all', async () => {
  const clock = new VirtualClock();
  const limits = { waits: [1, 1], rate: { perSecond: 10, burst: 3 }, random: whole } as const;
  const queue = new WorkQueue({ clock, limits });
  for (let i = 0; i < 8; i++) queue.addRateLimited(`key-${i}`);
  await clock.advance(1);
  assert.equal(queue.depth, 3);
  await clock.advance(199);
  assert.equal(queue.depth, 5);
  await clock.advance(300);
  assert.equal(queue.depth, 8);
});

test('a queue shut down drops what waits, takes nothing more and ends when work has', async () => {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ clock });
  for (const key of ['a', 'b']) queue.add(key);
  await taken(queue, 1);
  for (const key of ['a', 'c']) queue.add(key);
  queue.addAfter('d', 10);
  queue.addRateLimited('e');
  const idle = queue.get();
  let isOver = false;
  const over = queue.shutDown().then(() => {
    isOver = true;
  });
  queue.add('f');
  await clock.advance(10_000);
  assert.deepEqual([queue.depth, queue.isShutDown, isOver], [0, true, false]);
  queue.done('a');
  await over;
  assert.deepEqual([await idle, await queue.get()], [undefined, undefined]);
});

test('a queue that is drained still hands out what was added before', async () => {
  const queue = new WorkQueue();
  for (const key of ['a', 'b']) queue.add(key);
  await taken(queue, 1);
  queue.add('a');
  const over = queue.shutDown({ drain: true });
  queue.add('c');
  assert.equal(await queue.get(), 'b');
  queue.done('b');
  const last = queue.get();
  queue.done('a');
  assert.equal(await last, 'a');
  queue.done('a');
  await over;
  assert.equal(await queue.get(), undefined);
});

test('metrics are told of depth, adds, latency, duration and retries', async () => {
  const clock = new VirtualClock();
  const seen: [string, number?][] = [];
  const metrics = {
    depth: (keys: number) => seen.push(['depth', keys]),
    added: () => seen.push(['added']),
    started: (latency: number) => seen.push(['started', latency]),
    finished: (duration: number) => seen.push(['finished', duration]),
    retried: () => seen.push(['retried']),
  };
  const queue = new WorkQueue({ clock, metrics });
  queue.add('a');
  queue.add('a');
  await clock.advance(30);
  await taken(queue, 1);
  await clock.advance(12);
  queue.addRateLimited('a');
  queue.done('a');
  const expected = [['added'], ['depth', 1], ['started', 30], ['depth', 0], ['retried'], ['finished', 12]];
  assert.deepEqual(seen, expected);
});
