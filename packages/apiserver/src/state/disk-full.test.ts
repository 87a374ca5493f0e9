import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Store } from '../core/store.ts';
import { assertKept, numberOf } from './numbered-writes.fixture.ts';

/** Polls for at most a minute. */
async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 6000 && !condition(); round++) await sleep(10);
  assert.ok(condition(), 'it did not come to that');
}

test('a file that may not grow: writes are refused, nothing acknowledged is lost, and they go on when it may', {
  timeout: 600_000,
}, async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-full-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const fixture = path.join(import.meta.dirname, 'writer.fixture.ts');
  // 32 blocks of 512 bytes, of the soft limit: setrlimit(2). The last write comes out short, the one for the rest fails.
  const limited = ['-c', 'ulimit -S -f 32; exec "$@"', 'sh', process.execPath, fixture, JSON.stringify({ directory })];
  const writer = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => writer.kill('SIGKILL'));
  let [output, refusals] = ['', ''];
  writer.stdout.on('data', (chunk) => {
    output += chunk;
  });
  writer.stderr.on('data', (chunk) => {
    refusals = (refusals + chunk).slice(-10_000);
  });
  await until(() => refusals.includes('takes no more of the state (EFBIG'));
  const before = output.length;
  execFileSync('prlimit', ['--pid', String(writer.pid), '--fsize=unlimited:']);
  await until(() => output.length > before + 2000);
  writer.kill('SIGKILL');
  await once(writer, 'close');
  const last = new Map(output.split('\n').flatMap((line) => (line ? [line.split(' ') as [string, string]] : [])));
  const store = await Store.open({ directory });
  // A writer that was refused goes on with the next number.
  for (const [name, n] of last) {
    const found = numberOf(store, name);
    if (found !== Number(n)) assertKept(found, Number(n), name);
  }
  await store.close();
  assert.ok(last.size > 5);
});
