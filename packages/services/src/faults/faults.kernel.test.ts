import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { createLogger } from '@podwire/base';
import type { ClusterConfig, Event, KubeClient } from '@podwire/kube';
import { openNft } from '@podwire/nft';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { createServicesRoom } from '../controller.ts';
import { ADDRESS, type World, withWorld } from '../world.fixture.ts';
import { AgentChild } from './agent-child.fixture.ts';
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

/** What somebody does to the rules, and whether that keeps new connections from being answered. */
type Intrusion = readonly [what: string, command: string, harmful: boolean];
const TABLE = 'ip podwire-services';
const THEIR_CHAIN = 'chain theirs { type filter hook forward priority 5; ip daddr 10.244.0.0/16 drop; }';
const NFTABLES: readonly Intrusion[] = [
  ['a rule that drops', `nft insert rule ${TABLE} forward ip daddr 10.244.0.0/16 counter drop`, true],
  ['a chain that drops', `nft table ${TABLE} { ${THEIR_CHAIN}; }`, true],
  ['a flushed table', `nft flush table ${TABLE}`, true],
  ['a flushed map', `nft flush map ${TABLE} ep`, true],
  ['a deleted table', `nft delete table ${TABLE}`, true],
  ['an address nobody serves', `nft add element ${TABLE} cluster-ips { 10.96.77.77 }`, false],
];
const IPTABLES: readonly Intrusion[] = [
  ['a rule that drops', 'iptables -I KUBE-FORWARD -d 10.244.0.0/16 -j DROP', true],
  ['a flushed chain', 'iptables -t nat -F KUBE-SERVICES', true],
  ['a flushed table', 'iptables -t nat -F', true],
];

for (const [proxyMode, intrusions] of [
  ['nftables', NFTABLES],
  ['iptables', IPTABLES],
] as const)
  test(`what others do to the rules of mode ${proxyMode} is noticed within a minute, repaired and told`, {
    timeout: 600_000,
  }, async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const server = await apiServer();
    await withWorld(
      (world) =>
        intrude(world, { client: server.client(), proxyMode, intrusions, minute: () => t.mock.timers.tick(MINUTE) }),
      () => ({ proxyMode }),
    );
    await server.close();
  });

const countOf = (events: readonly Event[]): number => events.reduce((sum, { count = 0 }) => sum + count, 0);

/** Events are sent without anybody waiting for them. */
async function untilCounted(client: KubeClient, count: number): Promise<readonly Event[]> {
  for (let i = 0; i < 600; i++) {
    const { items } = await client.list('Event');
    if (countOf(items) >= count) return items;
    await sleep(50);
  }
  return assert.fail(`there are no ${count} events`);
}

interface Intruded {
  readonly client: KubeClient;
  readonly proxyMode: 'nftables' | 'iptables';
  readonly intrusions: readonly Intrusion[];
  /** Lets a minute go by for the room. */
  readonly minute: () => void;
}

async function intrude(world: World, { client, proxyMode, intrusions, minute }: Intruded): Promise<void> {
  await world.room.stop();
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => lines.push(line) });
  const config = { ...CIDRS, proxyMode } as unknown as ClusterConfig;
  const { informers, netns } = world;
  const place = { netns: netns.node, nodeName: 'node-1', runDirectory: '/nonexistent', stateDirectory: '/nonexistent' };
  const room = createServicesRoom({ ...place, config, client, informers, logger });
  putService(informers, '10.96.5.1');
  await room.start();
  const answered = (expected = true) =>
    world.connect('client', '10.96.5.1', 80, expected ? MINUTE : 300).then(
      () => true,
      () => false,
    );
  try {
    assert.equal(await answered(), true);
    for (const [i, [what, command, harmful]] of intrusions.entries()) {
      const [program = '', ...words] = command.split(' ');
      world.run('node', program, ...(program === 'nft' ? [words.join(' ')] : words));
      assert.equal(await answered(!harmful), !harmful, what);
      minute();
      await room.idle();
      assert.equal(await answered(), true, what);
      assert.deepEqual(await room.diff(), [], what);
      assert.equal(room.status().facts.repairs, i + 1, what);
      assert.equal(lines.length, i + 1, lines.join('\n'));
    }
    const events = await untilCounted(client, intrusions.length);
    assert.deepEqual(
      new Set(events.map(({ reason, involvedObject }) => `${reason} ${involvedObject.name}`)),
      new Set(['ServicesRepaired node-1']),
    );
    assert.equal(countOf(events), intrusions.length);
  } finally {
    await room.stop();
  }
}

test('rules of others elsewhere are neither touched nor told', { timeout: 600_000 }, (t) => {
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
  for (let i = 0; i < 2000; i++) {
    const servers = new Set<string>();
    for (let n = 0; n < 10; n++) servers.add((await world.connect('client', address, 80)).server.split(':')[0] ?? '');
    if (servers.size === 1 && servers.has(place)) return;
    await sleep(50);
  }
  assert.fail(`${address} does not lead to ${place} only`);
}

test('while the API server is away traffic goes on, and what changed meanwhile is taken', {
  timeout: 600_000,
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
    let agent = new AgentChild();
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
      agent = new AgentChild();
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

test('ten seconds of changing endpoints: no connection is reset, none refused', { timeout: 600_000 }, (t) =>
  withWorld(async (world) => {
    const addresses = Array.from({ length: 8 }, (_, i) => `10.96.6.${i + 1}`);
    const names = addresses.map((address) => putService(world.informers, address));
    await world.room.idle();
    const traffic = await new SteadyTraffic(world, addresses).start();
    const end = performance.now() + 10_000;
    let changes = 0;
    while (performance.now() < end || changes <= 100) {
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
    t.diagnostic(`${changes} changes; ${traffic.summary}`);
  }),
);
