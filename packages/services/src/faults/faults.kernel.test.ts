import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { createLogger } from '@podwire/base';
import type { ClusterConfig } from '@podwire/kube';
import { openNft } from '@podwire/nft';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { createServicesRoom } from '../controller.ts';
import { ADDRESS, type World, withWorld } from '../world.fixture.ts';
import { AgentProcess } from './agent-process.fixture.ts';
import { CIDRS, ClusterState } from './cluster-state.fixture.ts';
import { SteadyTraffic } from './steady-traffic.fixture.ts';

const MINUTE = 60_000;
const BACKENDS = ['near1', 'near2', 'far'] as const;
const apiServer = (directory?: string): Promise<ApiServer> =>
  startApiServer({
    serviceCidrs: CIDRS.serviceCidrs,
    nodePortRange: [30_000, 32_767],
    ...(directory && { directory }),
  });

const THEIR_CHAIN =
  'table ip podwire-services { chain theirs { type filter hook forward priority 5; ip daddr 10.244.0.0/16 drop; }; }';

/** What somebody does to the rules, and whether that keeps new connections from being answered. */
const INTRUSIONS: readonly (readonly [what: string, nft: string, harmful: boolean])[] = [
  ['a rule that drops', 'insert rule ip podwire-services forward ip daddr 10.244.0.0/16 counter drop', true],
  ['a rule that drops, in a chain of theirs', THEIR_CHAIN, true],
  ['a flushed table', 'flush table ip podwire-services', true],
  ['a flushed map', 'flush map ip podwire-services ep', true],
  ['a deleted table', 'delete table ip podwire-services', true],
  ['an address nobody serves', 'add element ip podwire-services cluster-ips { 10.96.77.77 }', false],
];

test('what others do to the rules is noticed within a minute, repaired and told', { timeout: 60_000 }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const server = await apiServer();
  await withWorld(async (world) => {
    await world.room.stop();
    const lines: string[] = [];
    const room = createServicesRoom({
      netns: world.netns.node,
      nodeName: 'node-1',
      config: CIDRS as unknown as ClusterConfig,
      client: server.client(),
      informers: world.informers,
      logger: createLogger({ level: 'info', write: (line) => lines.push(line) }),
      runDirectory: '/nonexistent',
      stateDirectory: '/nonexistent',
    });
    putService(world.informers, '10.96.5.1');
    await room.start();
    const answered = () =>
      world.connect('client', '10.96.5.1', 80, 300).then(
        () => true,
        () => false,
      );
    const events = async () => (await server.client().list('Event')).items.map(({ reason }) => reason);
    try {
      assert.equal(await answered(), true);
      for (const [i, [what, command, harmful]] of INTRUSIONS.entries()) {
        world.run('node', 'nft', command);
        assert.equal(await answered(), !harmful, what);
        t.mock.timers.tick(MINUTE);
        await room.idle();
        assert.equal(await answered(), true, what);
        assert.deepEqual(await room.diff(), [], what);
        assert.equal(room.status().facts.repairs, i + 1, what);
        assert.equal(lines.length, i + 1, lines.join('\n'));
      }
      await sleep(50);
      assert.ok((await events()).every((reason) => reason === 'ServicesRepaired'));
      assert.equal(
        (await server.client().list('Event')).items.reduce((sum, { count }) => sum + (count ?? 0), 0),
        INTRUSIONS.length,
      );
    } finally {
      await room.stop();
    }
  });
  await server.close();
});

test('rules of others elsewhere are neither touched nor told', { timeout: 60_000 }, (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  return withWorld(async (world) => {
    putService(world.informers, '10.96.5.2');
    await world.room.idle();
    world.run('node', 'nft', 'table ip others { chain c { type filter hook forward priority 0; counter accept; }; }');
    const before = world.run('node', 'nft', '-a', 'list', 'ruleset').replaceAll(/packets \d+ bytes \d+/g, '');
    t.mock.timers.tick(MINUTE);
    await world.room.idle();
    assert.equal(world.run('node', 'nft', '-a', 'list', 'ruleset').replaceAll(/packets \d+ bytes \d+/g, ''), before);
    assert.equal(world.room.status().facts.repairs, 0);
  });
});

const generationOf = ({ netns }: World): number | undefined => {
  const nft = openNft(netns.node);
  try {
    return nft.generation();
  } finally {
    nft.close();
  }
};

/** Waits until new connections are answered by these only. */
async function untilAnsweredBy(world: World, address: string, place: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const servers = new Set<string>();
    for (let n = 0; n < 10; n++) servers.add((await world.connect('client', address, 80)).server.split(':')[0] ?? '');
    if (servers.size === 1 && servers.has(place)) return;
    await sleep(50);
  }
  assert.fail(`${address} does not lead to ${place} only`);
}

test('while the API server is away traffic goes on, and what changed meanwhile is taken', {
  timeout: 60_000,
}, async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'pwt-api-'));
  const socket = path.join(directory, 'api');
  const start = async (): Promise<ApiServer> => {
    const server = await apiServer(path.join(directory, 'store'));
    await server.listenUnix(socket);
    return server;
  };
  let server = await start();
  await withWorld(async (world) => {
    const [node] = world.informers.of('Node').list();
    assert.ok(node);
    await world.room.stop();
    const state = new ClusterState(node, 1);
    state.addSteady('10.96.5.3', [ADDRESS.near1, ADDRESS.far]);
    state.addSteady('10.96.5.4', [ADDRESS.near1]);
    const { services = [], slices = [] } = state.objects;
    await server.client().create('Node', node);
    for (const service of services) await server.client().create('Service', service);
    for (const slice of slices) await server.client().create('EndpointSlice', slice);
    const lead = async (address: string): Promise<void> => {
      const name = 'steady-10-96-5-4-a';
      const endpoints = [{ addresses: [address], conditions: { ready: true }, nodeName: 'node-1' }];
      await server.client().patch('EndpointSlice', { namespace: 'default', name }, { endpoints });
    };
    const setup = { netns: world.netns.node.path, config: CIDRS, runDirectory: '/nonexistent', api: socket };
    let agent = new AgentProcess();
    try {
      assert.equal((await agent.ask({ setup })).ready, true);
      const traffic = await new SteadyTraffic(world, ['10.96.5.3']).start();
      await untilAnsweredBy(world, '10.96.5.4', 'near1');

      await server.close();
      const generation = generationOf(world);
      await sleep(1500);
      server = await start();
      assert.equal(generationOf(world), generation);
      await lead(ADDRESS.near2);
      await untilAnsweredBy(world, '10.96.5.4', 'near2');

      await server.close();
      await agent.kill();
      const adopted = generationOf(world);
      agent = new AgentProcess();
      const started = agent.ask({ setup });
      await sleep(1500);
      assert.equal(generationOf(world), adopted);
      server = await start();
      await lead(ADDRESS.near1);
      assert.equal((await started).ready, true);
      await untilAnsweredBy(world, '10.96.5.4', 'near1');
      assert.deepEqual(await traffic.stop(), []);
    } finally {
      await agent.kill();
      await server.close();
      rmSync(directory, { recursive: true });
    }
  });
});

test('ten seconds of changing endpoints: no connection is reset, none refused', { timeout: 60_000 }, (t) =>
  withWorld(async (world) => {
    const addresses = Array.from({ length: 8 }, (_, i) => `10.96.6.${i + 1}`);
    const names = addresses.map((address) => putService(world.informers, address));
    await world.room.idle();
    const traffic = await new SteadyTraffic(world, addresses).start();
    const end = performance.now() + 10_000;
    let changes = 0;
    while (performance.now() < end) {
      const name = names[changes % names.length] ?? '';
      // any one of the three, or any two of them
      const turn = Math.floor(changes++ / names.length) % 6;
      const backends = BACKENDS.filter((_, i) => (turn < 3 ? i === turn : i !== turn - 3));
      putSlice(world.informers, name, { backends });
      await world.room.idle();
      await sleep(1);
    }
    assert.deepEqual(await traffic.stop(), []);
    assert.deepEqual(await world.room.diff(), []);
    assert.ok(changes > 100, `${changes} changes`);
    t.diagnostic(`${changes} changes; ${traffic.summary}`);
  }),
);
