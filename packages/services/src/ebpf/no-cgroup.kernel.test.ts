import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { putService } from '../api-objects.fixture.ts';
import { withWorld } from '../world.fixture.ts';

const NEEDS = /mode ebpf needs a cgroup2 file system, and .* is not in one: mount one/;

test('without a cgroup2 file system the mode is told to be impossible, and packets are balanced', async () => {
  const elsewhere = fs.mkdtempSync(path.join(os.tmpdir(), 'pwt-cgroup-'));
  const sockets = { cgroup: elsewhere };
  try {
    await withWorld(
      async (world) => {
        putService(world.informers, '10.96.0.1');
        await world.room.resync();
        const { ready, errors } = world.room.status();
        assert.equal(ready, false);
        assert.match(errors.join('\n'), NEEDS);
        await world.connect('client', '10.96.0.1', 80);
        await world.room.setMode('nftables');
        assert.deepEqual(world.room.status().errors, []);
        await assert.rejects(world.room.setMode('ebpf'), (error) => hasCode(error, 'SERVICES_MODE_REFUSED'));
        assert.equal(world.room.mode, 'nftables');
        await world.connect('client', '10.96.0.1', 80);
      },
      () => ({ proxyMode: 'ebpf', sockets, runDirectory: path.join(elsewhere, 'run') }),
    );
  } finally {
    fs.rmSync(elsewhere, { recursive: true });
  }
});
