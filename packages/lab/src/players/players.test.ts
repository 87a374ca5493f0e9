import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, hasCode, silentLogger } from '@podwire/base';
import { respawnDelay, startPlayers } from './players.ts';

const thread = (code: string): URL => new URL(`data:text/javascript,${encodeURIComponent(code)}`);

test('a thread that cannot load rejects the start, and is not tried again', async () => {
  const module = thread('throw new Error("no such library")');
  await assert.rejects(
    startPlayers({ logger: silentLogger, module }),
    (error: Error) => hasCode(error, 'LAB_PLAYERS') && error.message.includes('no such library'),
  );
});

test('a thread that dies again and again is replaced with growing delays', async () => {
  const lines: string[] = [];
  const module = thread(
    "import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ type: 'ready' }); setTimeout(() => process.exit(1), 5)",
  );
  const players = await startPlayers({ logger: createLogger({ write: (line) => void lines.push(line) }), module });
  const delays = () => lines.flatMap((line) => /players thread is replaced.*afterMs=(\d+)/.exec(line)?.[1] ?? []);
  for (let i = 0; i < 3000 && delays().length < 3; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  await players.stop();
  assert.deepEqual(delays().slice(0, 3), ['0', '100', '200'], lines.join('\n'));
});

test('delays double from 100 ms to 5 s', () => {
  assert.deepEqual([0, 1, 2, 3, 7, 40].map(respawnDelay), [0, 100, 200, 400, 5000, 5000]);
});
