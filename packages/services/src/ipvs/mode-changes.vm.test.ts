import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { putService } from '../api-objects.fixture.ts';
import { runChangesOfMode, runDeaths, traceOf, withModeWorld } from '../mode-changes.fixture.ts';
import type { ProxyMode } from '../proxy.ts';

const CIRCUIT: readonly ProxyMode[] = [
  ...(['nftables', 'ipvs', 'nftables', 'iptables', 'ipvs', 'iptables'] as const),
  ...(['userspace', 'ipvs', 'userspace', 'ebpf', 'ipvs', 'ebpf'] as const),
];

test('an agent that dies in mode ipvs, and one that follows it in another', { timeout: 1_200_000 }, (t) =>
  runDeaths(t, CIRCUIT),
);

test('live changes to mode ipvs and back: one connection goes on through all of them', { timeout: 1_200_000 }, (t) =>
  runChangesOfMode(t, CIRCUIT),
);

test('without connections nothing of mode ipvs is left', { timeout: 600_000 }, () =>
  withModeWorld('ipvs', async (place) => {
    const { world } = place;
    putService(world.informers, '10.96.1.1');
    await world.room.idle();
    for (const mode of ['nftables', 'userspace'] as const) {
      assert.deepEqual(place.traces(), traceOf('ipvs'));
      place.mode = mode;
      await world.restart();
      assert.deepEqual(place.traces(), traceOf(mode));
      assert.deepEqual(JSON.parse(fs.readFileSync(place.record, 'utf8')), [mode]);
      await world.room.setMode('ipvs');
    }
  }),
);
