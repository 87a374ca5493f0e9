import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { DIAL_TIMEOUT, dialText, inTime } from './dialing.ts';

const ADDRESS = '10.1.0.5:80';

test('a connection that takes too long is given up, and closed when it comes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const connecting = Promise.withResolvers<PassThrough>();
  const outcome = inTime(connecting.promise, new AbortController().signal);
  const refused = assert.rejects(outcome, { message: 'i/o timeout' });
  t.mock.timers.tick(DIAL_TIMEOUT);
  await refused;
  const late = new PassThrough();
  const closed = new Promise((resolve) => late.once('close', resolve));
  connecting.resolve(late);
  await closed;
});

test('nobody waits for a client that is gone', async () => {
  const gone = new AbortController();
  const never = new Promise<PassThrough>(() => {});
  const outcome = inTime(never, gone.signal);
  gone.abort();
  await assert.rejects(outcome, { message: 'operation was canceled' });
  await assert.rejects(inTime(never, gone.signal), { message: 'operation was canceled' });
});

test('a connection that comes in time is taken', async () => {
  const connection = new PassThrough();
  assert.equal(await inTime(Promise.resolve(connection), new AbortController().signal), connection);
  assert.equal(connection.destroyed, false);
});

test('why there is no connection is told as Go tells it', () => {
  const texts = ['connect ECONNREFUSED 10.1.0.5', 'i/o timeout', 'connect ETIMEDOUT', 'no such pod'];
  assert.deepEqual(
    texts.map((text) => dialText(text, ADDRESS)),
    [
      `dial tcp ${ADDRESS}: connect: connection refused`,
      `dial tcp ${ADDRESS}: i/o timeout`,
      `dial tcp ${ADDRESS}: i/o timeout`,
      'no such pod',
    ],
  );
});
