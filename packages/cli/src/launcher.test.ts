import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.resolve(import.meta.dirname, '../../..');

test('a server ends when its launcher is killed outright', async (t) => {
  const args = ['tools/run.mjs', 'packages/cli/bin/podwire.ts', 'apiserver', '--in-memory', '--port', '0'];
  const launcher = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => launcher.kill('SIGKILL'));
  // All that holds the launcher's output has to end before this happens.
  const closed = once(launcher, 'close');
  let text = '';
  launcher.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (/^ready at /m.test(text)) launcher.kill('SIGKILL');
  });
  await closed;
  assert.match(text, /\nstopped\n$/);
});
