import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { BuiltinContainer, exitWith } from './builtin-container.ts';
import type { ContainerSpec } from './container-engine.ts';
import { ContainerMounts } from './container-mounts.ts';
import { READER_BYTES } from './log-file.ts';

class Chatty extends BuiltinContainer {
  async start(): Promise<void> {
    for (let i = 0; i < 30; i++) this.output('stdout', `${'x'.repeat(999_999)}\n`);
  }

  async stop(): Promise<void> {
    this.ended(exitWith(0));
  }
}

test('whoever attached and does not read is let go; its memory is bounded', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-attach-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const mounts = new ContainerMounts({ directory: path.join(directory, 'mounts'), binds: [], warn: () => {} });
  const spec = { image: 'chatty', logPath: path.join(directory, 'a.log'), logDropped: () => {}, mounts };
  const container = new Chatty(spec as unknown as ContainerSpec);
  const session = container.attach();
  await container.start();
  const stdout = session.stdout as PassThrough;
  assert.ok(stdout.writableEnded);
  assert.ok(stdout.writableLength < READER_BYTES + 1_000_001, String(stdout.writableLength));
  await container.stop();
  assert.equal(await session.exit, 0);
});
