import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { messageOf } from '@podwire/base';
import { connectTcp } from '@podwire/kernel';
import { putService, putSlice } from './api-objects.fixture.ts';
import { type SocketPlaceFixture, withSocketPlace } from './ebpf/socket-place.fixture.ts';
import type { AgentSetup } from './faults/agent.fixture.ts';
import { whileClientsConnect } from './faults/client-child.fixture.ts';
import { CIDRS } from './faults/cluster-state.fixture.ts';
import type { ProxyMode } from './proxy.ts';
import { PROXY_MODES } from './proxy-modes.ts';
import { type World, withWorld } from './world.fixture.ts';

export interface ModeWorld {
  readonly world: World;
  /** The mode the next agent is started with. */
  mode: ProxyMode;
  readonly record: string;
  /** The modes that have something in the kernel. */
  traces(): ProxyMode[];
  /** For an agent in a process of its own. */
  setup(mode: ProxyMode): AgentSetup;
}

/** A world whose agents may be of any mode, and remember. */
export async function withModeWorld(first: ProxyMode, fn: (world: ModeWorld) => Promise<void>): Promise<void> {
  const runDirectory = fs.mkdtempSync(path.join(os.tmpdir(), 'pwt-run-'));
  const state = { mode: first, record: path.join(runDirectory, 'proxy-modes.json') };
  try {
    await withSocketPlace((place) =>
      withWorld(
        (world) =>
          fn(
            Object.assign(state, {
              world,
              traces: () => tracesOf(world, place),
              setup: (proxyMode: ProxyMode): AgentSetup => ({
                netns: world.netns.node.path,
                config: { ...CIDRS, proxyMode },
                runDirectory,
                sockets: { ...socketsOf(place), podNamespaces: podsOf(world.netns) },
              }),
            }),
          ),
        (netns) => ({
          proxyMode: state.mode,
          runDirectory,
          sockets: { ...socketsOf(place), podNamespaces: () => podsOf(netns) },
        }),
      ),
    );
  } finally {
    fs.rmSync(runDirectory, { recursive: true, force: true });
  }
}

const socketsOf = ({ cgroup, bpffs }: SocketPlaceFixture) => ({ cgroup, bpffs });
const podsOf = ({ client, near1, near2 }: World['netns']): string[] => [client, near1, near2].map(({ path }) => path);

/** What a command prints on the node; nothing when it fails, or is not there. */
function printed(world: World, command: string, ...args: string[]): string {
  try {
    return world.run('node', command, ...args);
  } catch {
    return '';
  }
}

/** What the kernel of the node has by which a connection is led, or refused. */
const balancersOf = (world: World): string =>
  ['ipvsadm -Ln --stats', 'ipvsadm -Lnc', 'ip rule', 'conntrack -L -p tcp', 'iptables-save', 'nft list ruleset']
    .map((line) => `${line}\n${printed(world, ...(line.split(' ') as [string, ...string[]]))}`)
    .join('\n');

function tracesOf(world: World, { bpffs }: SocketPlaceFixture): ProxyMode[] {
  const run = (command: string, ...args: string[]): string => printed(world, command, ...args);
  const tables = world.run('node', 'nft', 'list', 'tables');
  const pins = path.join(bpffs, 'podwire');
  const found: Readonly<Record<ProxyMode, boolean>> = {
    nftables: tables.includes('podwire-services'),
    iptables: /PODWIRE-|podwire: /.test(run('iptables-nft-save') + run('iptables-legacy-save')),
    ipvs: tables.includes('podwire-ipvs') || /^(TCP|UDP|SCTP|FWM) /m.test(run('ipvsadm', '-Ln')),
    userspace: tables.includes('podwire-userspace'),
    ebpf: fs.existsSync(pins) && fs.readdirSync(pins).length > 0,
  };
  return PROXY_MODES.filter((mode) => found[mode]);
}

/** What a mode has there while it is in force. */
export const traceOf = (mode: ProxyMode): ProxyMode[] => (mode === 'ebpf' ? ['nftables', 'ebpf'] : [mode]);

/** A connection that somebody uses on and on. */
async function converse({ netns }: World, address: string) {
  const socket = await connectTcp({ netns: netns.client, address, port: 80 });
  await once(socket, 'data');
  // reset when the program that relays it ends
  socket.on('error', () => {});
  return {
    echo: async (what: string): Promise<void> => {
      socket.write(what);
      const [data] = await once(socket, 'data', { signal: AbortSignal.timeout(60_000) });
      assert.equal(String(data), what);
    },
    end: () => socket.destroy(),
  };
}

/** What mode ipvs needs for open connections stays until they end, whatever mode follows. */
const withoutIpvs = (modes: readonly ProxyMode[]): ProxyMode[] => modes.filter((mode) => mode !== 'ipvs');

const stepsOf = (circuit: readonly ProxyMode[]) =>
  circuit.slice(1).map((to, i) => ({ from: circuit[i] as ProxyMode, to }));

/** From each mode to the next by an agent that dies and another one. */
export function runDeaths(t: TestContext, circuit: readonly ProxyMode[]): Promise<void> {
  return withModeWorld(circuit[0] as ProxyMode, async (place) => {
    const { world } = place;
    putService(world.informers, '10.96.1.1', { backends: ['near1', 'near2', 'far'] });
    await world.room.idle();
    for (const { from, to } of stepsOf(circuit))
      await t.test(`${from}, then ${to}`, async () => {
        assert.deepEqual(withoutIpvs(place.traces()), withoutIpvs(traceOf(from)));
        const open = await converse(world, '10.96.1.1');
        place.mode = to;
        await world.restart();
        assert.deepEqual(withoutIpvs(place.traces()), withoutIpvs(traceOf(to)));
        assert.deepEqual([world.room.mode, world.room.status().errors], [to, []]);
        const recorded: ProxyMode[] = JSON.parse(fs.readFileSync(place.record, 'utf8'));
        assert.ok(recorded.includes(to) && withoutIpvs(recorded).every((mode) => traceOf(to).includes(mode)));
        await world.connect('client', '10.96.1.1', 80).catch((error) => {
          throw new Error(`${messageOf(error)}\n${balancersOf(world)}`, { cause: error });
        });
        // what is relayed ends with the program
        if (from !== 'userspace') await open.echo(`${from} and ${to}`);
        open.end();
        assert.deepEqual(await world.room.diff(), []);
      });
  });
}

/** From each mode to the next while the room lives. */
export function runChangesOfMode(t: TestContext, circuit: readonly ProxyMode[]): Promise<void> {
  return withModeWorld(circuit[0] as ProxyMode, async (place) => {
    const { world } = place;
    const name = putService(world.informers, '10.96.1.1', { backends: ['near1', 'near2', 'far'] });
    await world.room.idle();
    const first = await converse(world, '10.96.1.1');
    for (const { from, to } of stepsOf(circuit))
      await t.test(`${from} to ${to}`, async () => {
        const open = await converse(world, '10.96.1.1');
        await world.room.setMode(to);
        assert.deepEqual(withoutIpvs(place.traces()), withoutIpvs(traceOf(to)));
        assert.deepEqual(world.room.status().errors, []);
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
  });
}

/** From each mode to the next while others connect and one connection goes on. Returns what was seen, for people. */
export async function runChangesUnderConnects(circuit: readonly ProxyMode[]): Promise<string> {
  let seen = '';
  await withModeWorld(circuit[0] as ProxyMode, async ({ world }) => {
    putService(world.informers, '10.96.1.1', { backends: ['near1', 'near2', 'far'] });
    await world.room.idle();
    const open = await converse(world, '10.96.1.1');
    seen = await whileClientsConnect(world, '10.96.1.1', async (connected) => {
      for (const mode of circuit.slice(1)) {
        await world.room.setMode(mode);
        await connected();
        await open.echo(`in ${mode}`);
      }
    });
    open.end();
  });
  return seen;
}
