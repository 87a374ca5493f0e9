import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertKept, KEYS, numberOf, PAIRS } from './numbered-writes.fixture.ts';
import { openPlace, type Place } from './place.fixture.ts';

export interface KillRounds {
  readonly place: Place;
  readonly rounds: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly progress?: (round: number, soFar: KillSummary) => void;
}

export interface KillSummary {
  rounds: number;
  acknowledged: number;
  /** Kills that left a torn write. */
  torn: number;
}

const NAMES = [...KEYS, ...PAIRS.flat()];

/**
 * Starts a writer, kills it with -9 a random while later, opens the store, and does it again. After each kill every
 * acknowledged write must be there, every object whole, pairs equal, and no revision used twice.
 */
export async function killRounds({ place, rounds, random, progress }: KillRounds): Promise<KillSummary> {
  const last = new Map(NAMES.map((name) => [name, 0]));
  const summary: KillSummary = { rounds: 0, acknowledged: 0, torn: 0 };
  let revision = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [name, n, at] of await killedWriter(place, { last, random, isLate: round % 2 === 1 })) {
      assert.ok(at > revision || PAIRS.flat().includes(name), `revision ${at} follows ${revision}`);
      revision = Math.max(revision, at);
      last.set(name, n);
      summary.acknowledged++;
    }
    const store = await openPlace(place);
    assert.ok(store.revision >= revision, `revision ${store.revision}, but ${revision} was acknowledged`);
    revision = store.revision;
    for (const [name, n] of last) assertKept(numberOf(store, name), n, name);
    for (const [left = '', right = ''] of PAIRS) assert.equal(numberOf(store, left), numberOf(store, right));
    if (store.recovered?.tornBytes) summary.torn++;
    await store.close();
    for (const name of NAMES) {
      const found = numberOf(store, name);
      // One that was under way may have been kept: what is there now was.
      last.set(name, found ?? nextRemoval(last.get(name) ?? 0));
    }
    summary.rounds++;
    progress?.(round, summary);
  }
  return summary;
}

/** Of a key without a value. */
const nextRemoval = (n: number): number => (n === 0 || n % 10 === 4 ? n : n + 1);

type Acknowledged = readonly [name: string, n: number, revision: number];

interface Killing {
  readonly last: ReadonlyMap<string, number>;
  readonly random: () => number;
  /** Not before something was acknowledged, however slow the disk is. */
  readonly isLate: boolean;
}

/** What it was told was written. */
async function killedWriter(place: Place, { last, random, isLate }: Killing): Promise<readonly Acknowledged[]> {
  const after = Object.fromEntries([...last].map(([name, n]) => [`AFTER_${name}`, String(n)]));
  const writer = spawn(process.execPath, [path.join(import.meta.dirname, 'writer.fixture.ts'), JSON.stringify(place)], {
    env: { ...process.env, ...after },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  writer.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const closed = once(writer, 'close');
  const heard = () => Promise.race([once(writer.stdout, 'data'), closed]);
  await heard();
  if (isLate) await heard();
  await sleep(random() * 40);
  writer.kill('SIGKILL');
  const [, signal] = await closed;
  assert.equal(signal, 'SIGKILL', 'the writer ended by itself');
  // The last line may be half written; what it says was not heard.
  const lines = output.split('\n').slice(1, -1);
  return lines.map((line) => {
    const [name = '', n, revision] = line.split(' ');
    return [name, Number(n), Number(revision)] as const;
  });
}
