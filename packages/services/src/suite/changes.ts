import assert from 'node:assert/strict';
import { once } from 'node:events';
import type net from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindUdp, connectTcp } from '@podwire/kernel';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { ADDRESS, type Place, type World } from '../world.fixture.ts';
import { lateSegment } from './late-segment.ts';
import { isBeyond } from './limits.ts';
import { rangeAtRunTime } from './service-cidr.ts';

export const serversOf = async (
  world: World,
  count: number,
  ...target: Parameters<World['connect']>
): Promise<Set<string>> => {
  const servers = new Set<string>();
  for (let i = 0; i < count; i++) servers.add((await world.connect(...target)).server);
  return servers;
};
export const only = (servers: Set<string>): string => {
  assert.equal(servers.size, 1, [...servers].join());
  return [...servers].join();
};
const affinity = (timeoutSeconds: number) => ({
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds } },
});

const BACKENDS = ['near1', 'near2', 'far'] as const;

type Target = readonly [Place, string, number];
type Change = (world: World) => Promise<void>;

/** How services, endpoints and the agent may change, one after the other; the suite's cases are what is then to be seen. */
const CHANGES: Readonly<Record<string, Change>> = {
  'affinity: a client stays, also when others come and go; a lost endpoint means a new choice (SVC-19)': lostEndpoint,
  'affinity is kept by a restarted room (SVC-19)': restartedAffinity,
  'affinity ends after its time, which each new connection starts again (SVC-19)': expiredAffinity,
  'affinity is switched on and off while the service lives (SVC-19)': switchedAffinity,
  'a UDP client moves when its endpoint goes, and when the first one comes, by every address (SVC-25)': movedUdp,
  'answers come from the address that was asked, also when two lead one client port to one endpoint (SVC-1)':
    sharedPort,
  'an open connection outlives its endpoint (SVC-26)': lostEndpointOfConnection,
  'an open connection outlives a restart of the room (SVC-26, OPS-1)': restartedUnderConnection,
  'a late segment of an endpoint resets nothing (SVC-26)': lateSegment,
  'addresses of nobody in a ServiceCIDR are dropped while there is one (SVC-6)': rangeAtRunTime,
  'a service with endpoints before and after never refuses in between (SVC-31)': replacedEndpoints,
};

/** What every mode has to do alike when services and endpoints change. A change beyond the mode (LIMITS) has to fail. */
export async function runChanges(t: TestContext, world: World): Promise<void> {
  for (const [name, change] of Object.entries(CHANGES))
    await t.test(name, () => {
      const { mode } = world.room;
      const why = `mode ${mode} can do it: take it out of LIMITS`;
      return isBeyond(mode, name) ? assert.rejects(change(world), why) : change(world);
    });
}

export const CHANGE_NAMES: readonly string[] = Object.keys(CHANGES);

async function lostEndpoint(world: World): Promise<void> {
  const { informers } = world;
  const placeOf = (server: string) => BACKENDS.find((place) => server.startsWith(place)) ?? 'far';
  const name = putService(informers, '10.96.1.1', affinity(10_800));
  await world.room.idle();
  const first = only(await serversOf(world, 15, 'client', '10.96.1.1', 80));
  const others = BACKENDS.filter((place) => place !== placeOf(first));
  putSlice(informers, name, { backends: BACKENDS.filter((place) => place !== others[0]) });
  await world.room.idle();
  assert.equal(only(await serversOf(world, 5, 'client', '10.96.1.1', 80)), first);
  putSlice(informers, name);
  await world.room.idle();
  assert.equal(only(await serversOf(world, 5, 'client', '10.96.1.1', 80)), first);
  putSlice(informers, name, { backends: others });
  await world.room.idle();
  const second = only(await serversOf(world, 15, 'client', '10.96.1.1', 80));
  assert.notEqual(second, first);
  putSlice(informers, name);
  await world.room.idle();
  assert.equal(only(await serversOf(world, 15, 'client', '10.96.1.1', 80)), second);
}

async function restartedAffinity(world: World): Promise<void> {
  const ports = Array.from({ length: 14 }, (_, i) => 80 + i);
  putService(world.informers, '10.96.1.6', {
    ...affinity(600),
    ports: ports.map((port) => ({ name: `http-${port}`, port })),
  });
  await world.room.idle();
  // where endpoints take turns, ports are to differ in whose turn it is
  for (const port of ports) if (port % 2) await world.connect('near1', '10.96.1.6', port);
  const servers = async (): Promise<string[]> => {
    const all: string[] = [];
    for (const port of ports) all.push((await world.connect('client', '10.96.1.6', port)).server);
    return all;
  };
  const before = await servers();
  await world.restart();
  assert.deepEqual(await servers(), before);
}

/** By a cluster IP, a node port and a load-balancer address. */
async function expiredAffinity(world: World): Promise<void> {
  putService(world.informers, '10.96.1.2', affinity(1));
  putService(world.informers, '10.96.1.7', {
    ...affinity(1),
    type: 'NodePort',
    ports: [{ name: 'http', port: 80, nodePort: 30_017 }],
  });
  putService(world.informers, '10.96.1.8', {
    ...affinity(1),
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    ingress: [{ ip: '198.51.100.18' }],
    ports: [{ name: 'http', port: 80 }],
  });
  await world.room.idle();
  await Promise.all([
    expires(world, ['client', '10.96.1.2', 80]),
    expires(world, ['outside', ADDRESS.node, 30_017]),
    expires(world, ['outside', '198.51.100.18', 80]),
  ]);
}

/** Of an affinity of one second: each connection renews it, and when it is over a client begins anew. */
export async function expires(world: World, target: Target): Promise<void> {
  let last = performance.now();
  let { server } = await world.connect(...target);
  for (let i = 0; i < 4; i++) {
    await sleep(500);
    const begun = performance.now();
    const next = (await world.connect(...target)).server;
    // by a clock of coarse ticks it may be over by now, on a machine that has much to do; the last one renewed it after it was begun
    if (performance.now() - last < 900) assert.equal(next, server, target.join(' '));
    server = next;
    last = begun;
  }
  const later = new Set<string>([server]);
  for (let i = 0; i < 20 && later.size < 2; i++) {
    await sleep(1100);
    later.add((await world.connect(...target)).server);
  }
  assert.ok(later.size > 1, target.join(' '));
}

async function switchedAffinity(world: World): Promise<void> {
  const { informers } = world;
  const ports = [{ name: 'http', port: 80, nodePort: 30_013 }];
  const options = { type: 'NodePort', ports };
  const name = putService(informers, '10.96.1.3', options);
  const targets: readonly Target[] = [
    ['client', '10.96.1.3', 80],
    ['outside', ADDRESS.node, 30_013],
  ];
  const judge = async (together: boolean): Promise<void> => {
    await world.room.idle();
    for (const target of targets) assert.equal((await serversOf(world, 30, ...target)).size === 1, together);
  };
  await judge(false);
  putService(informers, '10.96.1.3', { ...options, ...affinity(60) }, name);
  await judge(true);
  putService(informers, '10.96.1.3', options, name);
  await judge(false);
}

/** By the cluster IP from a pod, by the others from outside. */
async function movedUdp(world: World): Promise<void> {
  const { informers, room } = world;
  const options = {
    type: 'LoadBalancer',
    externalIPs: ['198.51.100.14'],
    ingress: [{ ip: '198.51.100.15' }],
    ports: [{ name: 'dns', protocol: 'UDP', port: 53, nodePort: 30_014 }],
  };
  const name = putService(informers, '10.96.1.4', { ...options, backends: ['near1'] });
  await room.idle();
  const clients = [
    await udpClient(world, 'client', ['10.96.1.4', 53]),
    await udpClient(world, 'outside', [ADDRESS.node, 30_014]),
    await udpClient(world, 'outside', ['198.51.100.14', 53]),
    await udpClient(world, 'outside', ['198.51.100.15', 53]),
  ];
  const become = async (backends: readonly (typeof BACKENDS)[number][]): Promise<void> => {
    putSlice(informers, name, { backends });
    await room.idle();
    for (const { ask, to } of clients) {
      const answer = await ask(backends.length > 0);
      const expected = backends.length ? backends.some((place) => place === answer) : answer === undefined;
      assert.ok(expected, `${to}: ${answer} of ${backends}`);
    }
  };
  try {
    await become(['near1']);
    await become(['near2', 'far']);
    // of sockets there is nothing to forget, and IPVS forgets by itself
    if (room.mode !== 'ebpf' && room.mode !== 'ipvs') assert.ok(Number(room.status().facts.flowsForgotten) >= 1);
    await become([]);
    await become(['near1']);
  } finally {
    for (const client of clients) client.close();
  }
}

interface UdpClient {
  readonly to: string;
  /** Who answers; an answer that is expected is waited for, another one for 0.4 s. */
  ask(expected: boolean): Promise<string | undefined>;
  close(): void;
}

let clients = 0;

/** Always the same socket, so that connection tracking would lead it where it went before. */
async function udpClient(world: World, from: Place, [address, port]: readonly [string, number]): Promise<UdpClient> {
  const own = { netns: world.netns[from], address: ADDRESS[from], port: 40_000 + clients++ };
  const socket = await bindUdp(own);
  let question = 0;
  let answered: string | undefined;
  socket
    .on('error', () => {})
    .on('message', (data) => {
      const { server, said } = JSON.parse(String(data));
      // not what was asked before and is answered late
      if (said === `?${question}`) answered = server;
    });
  return {
    to: `${from} to ${address} ${port}`,
    close: () => socket.close(),
    async ask(expected) {
      question++;
      answered = undefined;
      for (let i = 0; i < (expected ? 1200 : 8) && answered === undefined; i++) {
        socket.send(`?${question}`, port, address);
        for (let j = 0; j < 5 && answered === undefined; j++) await sleep(10);
      }
      return answered;
    },
  };
}

async function sharedPort(world: World): Promise<void> {
  const addresses = ['10.96.1.12', '10.96.1.13', '10.96.1.14'];
  for (const address of addresses) putService(world.informers, address, { backends: ['near1'] });
  await world.room.idle();
  const socket = await bindUdp({ netns: world.netns.client, address: ADDRESS.client, port: 39_999 });
  try {
    for (const address of [...addresses, ...addresses]) {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(30_000) });
      socket.send('?', 53, address);
      const [, from] = await answer;
      assert.equal(from.address, address);
    }
  } finally {
    socket.close();
  }
}

async function lostEndpointOfConnection(world: World): Promise<void> {
  const { informers } = world;
  const name = putService(informers, '10.96.1.5', { backends: ['near1'] });
  await world.room.idle();
  const socket = await opened(world, '10.96.1.5');
  putSlice(informers, name, { backends: ['near2'] });
  await world.room.idle();
  await echo(socket);
  assert.equal((await world.connect('client', '10.96.1.5', 80)).server, 'near2:8080');
  await echo(socket);
  socket.destroy();
}

async function restartedUnderConnection(world: World): Promise<void> {
  putService(world.informers, '10.96.1.9', { backends: ['near1'] });
  await world.room.idle();
  const socket = await opened(world, '10.96.1.9');
  await world.restart();
  try {
    await echo(socket);
    assert.equal((await world.connect('client', '10.96.1.9', 80)).server, 'near1:8080');
  } finally {
    socket.destroy();
  }
}

async function opened(world: World, address: string): Promise<net.Socket> {
  const socket = await connectTcp({ netns: world.netns.client, address, port: 80 });
  await once(socket, 'data');
  return socket;
}

async function echo(socket: net.Socket): Promise<void> {
  socket.write('ping');
  const [data] = await once(socket, 'data', { signal: AbortSignal.timeout(30_000) });
  assert.equal(String(data), 'ping');
}

/** With connections made all the time. */
async function replacedEndpoints(world: World): Promise<void> {
  const { informers, room } = world;
  const ports = [{ name: 'http', port: 80, nodePort: 30_010 }];
  const name = putService(informers, '10.96.1.10', { type: 'NodePort', ports, backends: ['near1'] });
  await room.idle();
  let going = true;
  let connections = 0;
  const targets: readonly Target[] = [
    ['client', '10.96.1.10', 80],
    ['node', '10.96.1.10', 80],
    ['outside', ADDRESS.node, 30_010],
  ];
  const asking = Promise.all(
    targets.map(async (target) => {
      for (; going; connections++) await world.connect(...target);
    }),
  );
  for (let i = 0; i < 12 || connections <= 20; i++) {
    putSlice(informers, name, { backends: [BACKENDS[i % 3] ?? 'far'] });
    await room.idle();
    await sleep(5);
  }
  going = false;
  await asking;
  assert.ok(connections > 20, `${connections} connections`);
}
