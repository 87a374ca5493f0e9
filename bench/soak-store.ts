/**
 * `npm run soak:store [-- KILLS]`: a writer to the API server's store is killed with -9 after a random while, 1,000 times.
 * After each kill every acknowledged write has to be there, every object whole, what was written together both or neither,
 * and no revision may come twice. Needs no root.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { killRounds } from '../packages/apiserver/src/state/kill-rounds.fixture.ts';

const REPORTS = 20;
const rounds = Number(process.argv[2] ?? 1000);
if (!(rounds > 0)) throw new Error(`"${process.argv[2]}" is not a number of kills`);
const started = performance.now();
const say = (text: string): void =>
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);

const directory = mkdtempSync(path.join(tmpdir(), 'podwire-soak-'));
process.env.NODE_COMPILE_CACHE = path.join(directory, 'compiled');
try {
  const summary = await killRounds({
    place: { directory: path.join(directory, 'state'), rotateBytes: 20_000 },
    rounds,
    random: Math.random,
    progress: (round, soFar) => {
      if ((round + 1) % Math.ceil(rounds / REPORTS) === 0) say(JSON.stringify(soFar));
    },
  });
  say(`nothing was lost: ${JSON.stringify(summary)}`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
