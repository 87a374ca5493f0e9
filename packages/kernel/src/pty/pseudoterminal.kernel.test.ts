import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { test } from 'node:test';
import { ReadStream } from 'node:tty';
import { openPseudoterminal, resizePseudoterminal } from './pseudoterminal.ts';

test('a program sees the name and size of its terminal, and what is typed is shown', { timeout: 600_000 }, async () => {
  const { master, slave, path } = openPseudoterminal();
  resizePseudoterminal(master, 132, 43);
  const child = spawn('sh', ['-c', 'tty; stty size; read line; echo "<$line>"'], { stdio: [slave, slave, slave] });
  fs.closeSync(slave);
  const screen = new ReadStream(master);
  let shown = '';
  screen.on('data', (chunk) => (shown += chunk)).on('error', (error: NodeJS.ErrnoException) => (shown += error.code));
  screen.write('hello\n');
  const closed = new Promise((resolve) => screen.on('close', resolve));
  await Promise.all([once(child, 'exit'), closed]);
  assert.match(shown, new RegExp(`${path}\r\n`));
  assert.match(shown, /43 132\r\n/);
  assert.match(shown, /hello\r\n/);
  assert.match(shown, /<hello>\r\nEIO$/);
});
