import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LONGEST_DELAY, secondsToDelay } from './delay.ts';
import { gracePeriod } from './probe-target.ts';

test('no number of seconds makes a timer that fires at once', () => {
  assert.equal(secondsToDelay(2_147_483), 2_147_483_000);
  for (const seconds of [2_147_484, 2 ** 31, 2 ** 53, Number.POSITIVE_INFINITY])
    assert.equal(secondsToDelay(seconds), LONGEST_DELAY, String(seconds));
  assert.deepEqual([secondsToDelay(0), secondsToDelay(-5)], [0, 0]);
  assert.equal(gracePeriod({ spec: { containers: [], terminationGracePeriodSeconds: 2 ** 40 } }), LONGEST_DELAY);
});
