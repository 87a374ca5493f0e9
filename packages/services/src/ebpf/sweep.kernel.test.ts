import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { putService } from '../api-objects.fixture.ts';
import { pinsOf } from './place.ts';
import { lackingSocketProbe, withSocketWorld } from './socket-world.fixture.ts';
import { sweepSockets } from './sweep.ts';

test(
  'what an agent left of a node that is gone is taken off, and that of other nodes is not',
  {
    skip: lackingSocketProbe(),
  },
  () =>
    withSocketWorld('ebpf', async (world, { runDirectory, bpffs }) => {
      putService(world.informers, '10.96.1.1');
      await world.room.idle();
      await world.room.stop();
      const pins = pinsOf(runDirectory, bpffs) ?? '';
      assert.ok(fs.readdirSync(pins).length > 0);
      assert.equal(await sweepSockets(path.join(runDirectory, 'other'), bpffs), false);
      assert.ok(fs.existsSync(pins));
      assert.equal(await sweepSockets(runDirectory, bpffs), true);
      assert.equal(fs.existsSync(path.dirname(pins)), false);
      assert.equal(await sweepSockets(runDirectory, bpffs), false);
    }),
);
