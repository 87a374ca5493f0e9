import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atMost } from './deadline.ts';

test('what never comes is waited for so long only, and what comes no longer', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let isOver = false;
  const waiting = atMost(5000, new Promise(() => {})).then(() => {
    isOver = true;
  });
  t.mock.timers.tick(4999);
  await Promise.resolve();
  assert.equal(isOver, false);
  t.mock.timers.tick(1);
  await waiting;
  await atMost(5000, Promise.resolve());
  await assert.rejects(atMost(5000, Promise.reject(new Error('no'))), /no/);
});
