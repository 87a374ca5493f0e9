import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDelay, nextBackoff, noBackoff } from './backoff.ts';
import { countResult, failureCounts, freshProbe, nextProbeDelay } from './probe-state.ts';

const verdicts = (results: boolean[], success: number, failure: number) => {
  let state = freshProbe;
  return results.map((ok) => {
    state = countResult(state, ok, { success, failure });
    return state.verdict;
  });
};

test('a verdict changes when a run of equal results is long enough', () => {
  assert.deepEqual(verdicts([true, false, false, true, false, false, false], 1, 3), [
    true,
    true,
    true,
    true,
    true,
    true,
    false,
  ]);
  assert.deepEqual(verdicts([true, false, true, true], 2, 1), [undefined, false, false, true]);
});

test('with thresholds of one the verdict is the last result', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1 }),
      (results) => verdicts(results, 1, 1).at(-1) === results.at(-1),
    ),
  );
});

test('readiness is tried again soon in the first second, and its failures do not count', () => {
  const delay = (tries: number, sinceStart: number, verdict?: boolean) =>
    nextProbeDelay({ kind: 'readiness', period: 10_000, tries, sinceStart, verdict });
  assert.deepEqual(
    [delay(1, 1), delay(2, 8), delay(4, 40), delay(9, 1000), delay(1, 1, true)],
    [5, 10, 40, 10_000, 10_000],
  );
  assert.equal(nextProbeDelay({ kind: 'liveness', period: 1000, tries: 1, sinceStart: 1, verdict: undefined }), 1000);
  assert.equal(failureCounts('readiness', 500, undefined), false);
  assert.equal(failureCounts('readiness', 500, true), true);
  assert.equal(failureCounts('liveness', 500, undefined), true);
});

test('restarts: at once, 10 s, doubling to 5 min, forgiven after 10 min', () => {
  const delays: number[] = [];
  for (let backoff = noBackoff, i = 0; i < 8; i++) {
    backoff = nextBackoff(backoff, 100);
    delays.push(backoff.delay / 1000);
  }
  assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
  assert.equal(nextBackoff({ delay: 300_000 }, 700_000).delay, 0);
  assert.equal(formatDelay(160_000), '2m40s');
});
