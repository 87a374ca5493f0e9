import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { connectTcp } from '@podwire/kernel';
import { putService, putSlice } from './api-objects.fixture.ts';
import { type SocketPlaceFixture, withSocketPlace } from './ebpf/socket-place.fixture.ts';
import { lackingSocketProbe } from './ebpf/socket-world.fixture.ts';
import type { ProxyMode } from './proxy.ts';
import { type World, withWorld } from './world.fixture.ts';

/** Goes from each of four modes to each other one, once. */
const CIRCUIT = [
  ...(['nftables', 'iptables', 'nftables', 'userspace', 'nftables', 'ebpf', 'iptables'] as const),
  ...(['userspace', 'iptables', 'ebpf', 'userspace', 'ebpf', 'nftables'] as const),
] satisfies readonly ProxyMode[];
const STEPS = CIRCUIT.slice(1).map((to, i) => ({ from: CIRCUIT[i] as ProxyMode, to }));
const skip = lackingSocketProbe();

interface ModeWorld {
  readonly world: World;
  /** The mode the next agent is started with. */
  mode: ProxyMode;
  readonly record: string;
  /** The modes that have something in the kernel. */
  traces(): ProxyMode[];
}

async function withModeWorld(fn: (world: ModeWorld) => Promise<void>): Promise<void> {
  const runDirectory = fs.mkdtempSync(path.join(os.tmpdir(), 'pwt-run-'));
  try {
    await withSocketPlace(async (place) => {
      const state: { mode: ProxyMode } = { mode: 'nftables' };
      await withWorld(
        (world) =>
          fn(
            Object.assign(state, {
              world,
              record: path.join(runDirectory, 'proxy-modes.json'),
              traces: () => tracesOf(world, place),
            }),
          ),
        ({ client, near1, near2 }) => ({
          proxyMode: state.mode,
          runDirectory,
          sockets: {
            ...{ cgroup: place.cgroup, bpffs: place.bpffs },
            podNamespaces: () => [client, near1, near2].map((netns) => netns.path),
          },
        }),
      );
    });
  } finally {
    fs.rmSync(runDirectory, { recursive: true });
  }
}

function tracesOf({ run }: World, { bpffs }: SocketPlaceFixture): ProxyMode[] {
  const tables = run('node', 'nft', 'list', 'tables');
  const chains = ['iptables-nft-save', 'iptables-legacy-save'].map((command) => {
    try {
      return run('node', command);
    } catch {
      return '';
    }
  });
  const pins = path.join(bpffs, 'podwire');
  const found: Readonly<Record<ProxyMode, boolean>> = {
    nftables: tables.includes('podwire-services'),
    iptables: /PODWIRE-|podwire: /.test(chains.join('')),
    ipvs: false,
    userspace: tables.includes('podwire-userspace'),
    ebpf: fs.existsSync(pins) && fs.readdirSync(pins).length > 0,
  };
  return (Object.keys(found) as ProxyMode[]).filter((mode) => found[mode]);
}

/** What a mode has there while it is in force. */
const own = (mode: ProxyMode): ProxyMode[] => (mode === 'ebpf' ? ['nftables', 'ebpf'] : [mode]);

/** A connection that somebody uses on and on. */
async function converse({ netns }: World, address: string) {
  const socket = await connectTcp({ netns: netns.client, address, port: 80 });
  await once(socket, 'data');
  // reset when the program that relays it ends
  socket.on('error', () => {});
  return {
    echo: async (what: string): Promise<void> => {
      socket.write(what);
      const [data] = await once(socket, 'data', { signal: AbortSignal.timeout(2000) });
      assert.equal(String(data), what);
    },
    end: () => socket.destroy(),
  };
}

test(
  'an agent that is started with another mode than the one that died: its traces go, connections do not',
  {
    skip,
    timeout: 120_000,
  },
  (t) =>
    withModeWorld(async (place) => {
      const { world } = place;
      putService(world.informers, '10.96.1.1', { backends: ['near1', 'near2', 'far'] });
      await world.room.idle();
      for (const { from, to } of STEPS)
        await t.test(`${from}, then ${to}`, async () => {
          assert.deepEqual(place.traces(), own(from));
          const open = await converse(world, '10.96.1.1');
          place.mode = to;
          await world.restart();
          assert.deepEqual([place.traces(), world.room.mode, world.room.status().errors], [own(to), to, []]);
          const recorded: ProxyMode[] = JSON.parse(fs.readFileSync(place.record, 'utf8'));
          assert.deepEqual(
            recorded.filter((mode) => !own(to).includes(mode)),
            [],
          );
          await world.connect('client', '10.96.1.1', 80);
          // what is relayed ends with the program
          if (from !== 'userspace') await open.echo(`${from} and ${to}`);
          open.end();
          assert.deepEqual(await world.room.diff(), []);
        });
    }),
);

test(
  'a live change from each mode to each other: the same connection goes on through all of them',
  {
    skip,
    timeout: 120_000,
  },
  (t) =>
    withModeWorld(async (place) => {
      const { world } = place;
      const name = putService(world.informers, '10.96.1.1', { backends: ['near1', 'near2', 'far'] });
      await world.room.idle();
      const first = await converse(world, '10.96.1.1');
      for (const { from, to } of STEPS)
        await t.test(`${from} to ${to}`, async () => {
          const open = await converse(world, '10.96.1.1');
          await world.room.setMode(to);
          assert.deepEqual([place.traces(), world.room.status().errors], [own(to), []]);
          await open.echo(`${from} and ${to}`);
          await first.echo(`still, in ${to}`);
          open.end();
          putSlice(world.informers, name, { backends: ['near1'] });
          await world.room.idle();
          assert.equal((await world.connect('client', '10.96.1.1', 80)).server, 'near1:8080');
          putSlice(world.informers, name, { backends: ['near1', 'near2', 'far'] });
          await world.room.idle();
          assert.deepEqual(await world.room.diff(), []);
        });
      first.end();
    }),
);

test('cleanup takes everything, also of a mode an agent had before', { skip }, () =>
  withModeWorld(async (place) => {
    const { world } = place;
    putService(world.informers, '10.96.1.1');
    await world.room.idle();
    await world.room.setMode('ebpf');
    fs.writeFileSync(place.record, '["nftables","iptables","ebpf"]');
    await world.room.cleanup();
    assert.deepEqual([place.traces(), fs.existsSync(place.record)], [[], false]);
  }),
);
