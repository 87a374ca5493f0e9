import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { putService } from './api-objects.fixture.ts';
import { lackingSocketProbe } from './ebpf/socket-world.fixture.ts';
import { runChangesOfMode, runDeaths, withModeWorld } from './mode-changes.fixture.ts';
import type { ProxyMode } from './proxy.ts';

/** Goes from each of four modes to each other one, once. */
const CIRCUIT: readonly ProxyMode[] = [
  ...(['nftables', 'iptables', 'nftables', 'userspace', 'nftables', 'ebpf', 'iptables'] as const),
  ...(['userspace', 'iptables', 'ebpf', 'userspace', 'ebpf', 'nftables'] as const),
];
const options = { skip: lackingSocketProbe(), timeout: 120_000 };

test(
  'an agent that is started with another mode than the one that died: its traces go, connections do not',
  options,
  (t) => runDeaths(t, CIRCUIT),
);

test('a live change from each mode to each other: one connection goes on through all of them', options, (t) =>
  runChangesOfMode(t, CIRCUIT),
);

test('cleanup takes everything, also of a mode an agent had before', options, () =>
  withModeWorld('nftables', async (place) => {
    const { world } = place;
    putService(world.informers, '10.96.1.1');
    await world.room.idle();
    await world.room.setMode('ebpf');
    fs.writeFileSync(place.record, '["nftables","iptables","ebpf"]');
    await world.room.cleanup();
    assert.deepEqual([place.traces(), fs.existsSync(place.record)], [[], false]);
  }),
);
