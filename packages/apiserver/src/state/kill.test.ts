import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { killRounds } from './kill-rounds.fixture.ts';

/** Each starts a process; a few keep the suite fast, `npm run soak:store` does a thousand. */
const ROUNDS = 4;

test('kill -9 at any instant loses no acknowledged write, leaves no half object, and revisions go on', {
  timeout: 600_000,
}, async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-kill-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const { rounds, acknowledged } = await killRounds({
    place: { directory, rotateBytes: 20_000 },
    rounds: ROUNDS,
    random: Math.random,
  });
  assert.equal(rounds, ROUNDS);
  assert.ok(acknowledged > 0);
});
