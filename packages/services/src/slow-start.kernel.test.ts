import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { putService, putSlice } from './api-objects.fixture.ts';
import { lackingSocketProbe, withSocketWorld } from './ebpf/socket-world.fixture.ts';
import { runSlowStart } from './suite/slow-start.ts';
import { withWorld } from './world.fixture.ts';

for (const proxyMode of ['nftables', 'iptables', 'userspace'] as const)
  test(`slow start in mode ${proxyMode}`, { timeout: 60_000 }, (t) =>
    withWorld(
      (world) => runSlowStart(t, world),
      () => ({ proxyMode }),
    ),
  );

test('slow start in mode ebpf', { skip: lackingSocketProbe(), timeout: 60_000 }, (t) =>
  withSocketWorld('ebpf', (world) => runSlowStart(t, world)),
);

test('a step of one share is few elements', { timeout: 30_000 }, () =>
  withWorld(async (world) => {
    const name = putService(world.informers, '10.96.2.4', {
      annotations: { 'podwire.io/slow-start': '1s' },
      backends: ['near1', 'far'],
      ports: [{ name: 'http', port: 80 }],
    });
    await world.room.idle();
    putSlice(world.informers, name);
    await world.room.idle();
    const steps: number[] = [];
    for (let passes = 0, i = 0; i < 60 && steps.length < 9; i++) {
      const { facts } = world.room.status();
      if (passes > 0 && facts.passes !== passes) steps.push(Number(facts.commands));
      passes = Number(facts.passes);
      await sleep(20);
    }
    assert.equal(steps.length, 9);
    // one more slot, and the number of slots
    assert.ok(Math.max(...steps) <= 3, steps.join());
  }),
);
