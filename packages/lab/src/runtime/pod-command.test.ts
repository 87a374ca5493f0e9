import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { stat } from 'node:fs';
import { test } from 'node:test';
import { exitOf } from './pod-command.ts';

function standStill(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('output that is read after the thread stood still is still waited for', async () => {
  const child = new EventEmitter();
  let isRead = false;
  const exit = exitOf(child as ChildProcess).then((code) => [code, isRead]);
  // both come from outside: the second in the next turn, of which timers are the beginning
  stat('/', () => {
    child.emit('exit', 3, null);
    stat('/', () => {
      isRead = true;
      child.emit('close');
    });
    standStill(300);
  });
  assert.deepEqual(await exit, [3, true]);
});

test('a pipe that somebody holds is not waited for; a signal is 128 and its number', async () => {
  const child = new EventEmitter();
  const exit = exitOf(child as ChildProcess);
  child.emit('exit', null, 'SIGTERM');
  assert.equal(await exit, 143);
});
