import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '@podwire/base';
import { pidsInNetns } from '@podwire/kernel';
import { putService } from './api-objects.fixture.ts';
import { lackingSocketProbe } from './ebpf/socket-world.fixture.ts';
import { AgentChild } from './faults/agent-child.fixture.ts';
import { ClusterState, seededRandom } from './faults/cluster-state.fixture.ts';
import {
  runChangesOfMode,
  runChangesUnderConnects,
  runDeaths,
  traceOf,
  withModeWorld,
} from './mode-changes.fixture.ts';
import type { ProxyMode } from './proxy.ts';
import { ADDRESS, NODES } from './world.fixture.ts';

/** Goes from each of four modes to each other one, once. */
const CIRCUIT: readonly ProxyMode[] = [
  ...(['nftables', 'iptables', 'nftables', 'userspace', 'nftables', 'ebpf', 'iptables'] as const),
  ...(['userspace', 'iptables', 'ebpf', 'userspace', 'ebpf', 'nftables'] as const),
];
const MODES: readonly ProxyMode[] = ['nftables', 'iptables', 'userspace', 'ebpf'];
const options = { skip: lackingSocketProbe(), timeout: 600_000 };

test(
  'an agent that is started with another mode than the one that died: its traces go, connections do not',
  options,
  (t) => runDeaths(t, CIRCUIT),
);

test('a live change from each mode to each other: one connection goes on through all of them', options, (t) =>
  runChangesOfMode(t, CIRCUIT),
);

test('from each mode to each other while others connect: none is refused, and no SYN is lost', options, async (t) =>
  t.diagnostic(await runChangesUnderConnects(CIRCUIT)),
);

test('killed with -9 at any instant, each time followed by an agent of another mode', options, (t) =>
  withModeWorld('nftables', async ({ world, traces, setup }) => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    t.diagnostic(`SEED=${seed}`);
    const random = seededRandom(seed);
    let mode: ProxyMode = 'nftables';
    const another = (): ProxyMode => {
      const others = MODES.filter((one) => one !== mode);
      mode = others[Math.floor(random() * others.length)] ?? 'nftables';
      return mode;
    };
    await world.room.cleanup();
    const state = new ClusterState(NODES.node, seed);
    state.addSteady('10.96.200.1', [ADDRESS.near1, ADDRESS.near2, ADDRESS.far]);
    for (let round = 0; round < 6; round++) {
      // while it takes over from the one before, or later
      await new AgentChild().killDuring({ setup: setup(another()), changes: state.objects }, random() * 600);
      // iptables-restore goes on when the agent that started it is killed
      while (pidsInNetns(world.netns.node.inode).length > 0) await sleep(5);
      const agent = new AgentChild();
      try {
        const { ready, errors } = await agent.ask({ setup: setup(another()), changes: state.objects });
        assert.deepEqual([ready, errors, traces()], [true, [], traceOf(mode)]);
        await world.connect('client', '10.96.200.1', 80);
        await agent.ask({ changes: state.change() });
      } finally {
        await agent.kill();
      }
    }
  }),
);

test('a mode that cannot be had: the one before goes on, and nobody notices', options, () =>
  withModeWorld('nftables', async (place) => {
    const { world } = place;
    putService(world.informers, '10.96.1.1');
    await world.room.idle();
    // as a kube-proxy has them
    world.run('node', 'iptables-nft', '-t', 'nat', '-N', 'KUBE-SERVICES');
    for (const mode of ['nftables', 'ebpf', 'userspace'] as const) {
      await world.room.setMode(mode);
      const refused = (error: Error) => hasCode(error, 'SERVICES_MODE_REFUSED') && /kube-proxy/.test(error.message);
      await assert.rejects(world.room.setMode('iptables'), refused);
      const { ready, errors, facts } = world.room.status();
      assert.deepEqual([ready, errors, facts['mode'], place.traces()], [true, [], mode, traceOf(mode)]);
      assert.equal(JSON.parse(fs.readFileSync(place.record, 'utf8')).includes('iptables'), false);
      await world.connect('client', '10.96.1.1', 80);
      assert.deepEqual(await world.room.diff(), []);
    }
  }),
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
