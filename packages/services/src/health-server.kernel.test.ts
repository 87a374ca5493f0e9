import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTcp, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { CONNECTIONS } from './health-listener.ts';
import { HealthServers } from './health-server.ts';
import type { ServiceModel, ServicesView } from './model.ts';

const [PROXY, PORT] = [10_256, 31_000];

/** Servers for services that have nothing but a health check node port. */
async function withServers(
  run: (world: { netns: Netns; servers: HealthServers; put: (ports: Ports) => Promise<void> }) => Promise<void>,
) {
  await withNetns(1, async (netns) => {
    const services = new Map<string, ServiceModel>();
    const view = { services } as unknown as ServicesView;
    const servers = new HealthServers({
      netns,
      view,
      health: () => ({ current: true, eligible: true }),
      proxyPort: PROXY,
    });
    try {
      await run({ netns, servers, put: (ports) => put(ports, { services, servers }) });
    } finally {
      servers.close();
    }
  });
}

type Ports = Readonly<Record<string, number | undefined>>;

/** Sets the ports of services; those without one go. */
async function put(
  ports: Ports,
  { services, servers }: { readonly services: Map<string, ServiceModel>; readonly servers: HealthServers },
): Promise<void> {
  for (const [name, healthCheckNodePort] of Object.entries(ports)) {
    const service = { namespace: 'default', name, ports: [], healthCheckNodePort };
    if (healthCheckNodePort === undefined) services.delete(`default/${name}`);
    else services.set(`default/${name}`, service as unknown as ServiceModel);
  }
  await servers.sync(new Set(Object.keys(ports).map((name) => `default/${name}`)), false);
}

const begin = async (netns: Netns, port: number, request: string): Promise<Socket> => {
  const socket = await connectTcp({ netns, address: '127.0.0.1', port });
  socket.on('error', () => {}).write(request);
  return socket;
};
const get = async (netns: Netns, port: number): Promise<string> =>
  text(await begin(netns, port, 'GET /livez HTTP/1.1\r\nHost: node\r\n\r\n'));
/** Whether the other side ends it within so many ms; also by a reset, when something is said just then. */
function ended(socket: Socket, within: number): Promise<boolean> {
  if (socket.closed) return Promise.resolve(true);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), within);
    socket.resume().once('close', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
const HALF = 'GET / HTTP/1.1\r\nHo';

test('a connection ends after its time, whatever is said on it', { timeout: 600_000 }, () =>
  withServers(async ({ netns, servers }) => {
    await servers.sync('all', false);
    const sockets = [await begin(netns, PROXY, HALF), await begin(netns, PROXY, '')];
    const slow = await begin(netns, PROXY, HALF);
    const drip = setInterval(() => slow.write('s'), 500);
    try {
      const results = [...sockets, slow].map((socket) => ended(socket, CONNECTIONS.lifetime + 30_000));
      assert.deepEqual(await Promise.all(results), [true, true, true]);
    } finally {
      clearInterval(drip);
      for (const socket of [...sockets, slow]) socket.destroy();
    }
  }),
);

test('connections end with their port, and with the room', { timeout: 600_000 }, () =>
  withServers(async ({ netns, servers, put }) => {
    await put({ web: PORT });
    const ofService = await begin(netns, PORT, HALF);
    const ofProxy = await begin(netns, PROXY, HALF);
    // answered after the others were accepted
    await Promise.all([get(netns, PORT), get(netns, PROXY)]);
    await put({ web: undefined });
    assert.equal(await ended(ofService, 30_000), true);
    servers.close();
    assert.equal(await ended(ofProxy, 30_000), true);
  }),
);

test('who holds more connections than there may be does not keep others out', { timeout: 600_000 }, (t: TestContext) =>
  withServers(async ({ netns, servers }) => {
    await servers.sync('all', false);
    const held = await Promise.all(Array.from({ length: CONNECTIONS.most + 10 }, () => begin(netns, PROXY, HALF)));
    t.after(() => held.forEach((socket) => void socket.destroy()));
    assert.match(await get(netns, PROXY), /^HTTP\/1.1 200 /);
    const open = () => held.filter((socket) => !socket.resume().closed).length;
    for (let i = 0; i < 6000 && open() > CONNECTIONS.most; i++) await sleep(10);
    assert.ok(open() <= CONNECTIONS.most, `${open()} are open`);
  }),
);

test('a port that two want is told, and goes to the second when the first goes', { timeout: 600_000 }, () =>
  withServers(async ({ netns, servers, put }) => {
    const of = async (port: number) => /"name":"(\w+)"/.exec(await get(netns, port))?.[1];
    await put({ first: PORT });
    await put({ second: PORT, third: PROXY });
    assert.deepEqual(servers.problems(), [
      `Service default/second: health port ${PORT} is that of Service default/first; choose another`,
      `Service default/third: health port ${PROXY} is that of the proxy; choose another`,
    ]);
    assert.equal(await of(PORT), 'first');
    await put({ first: undefined, third: undefined });
    assert.deepEqual([servers.problems(), await of(PORT)], [[], 'second']);
    // they change places in one step
    await put({ first: PORT + 1 });
    await put({ first: PORT, second: PORT + 1 });
    assert.deepEqual([servers.problems(), await of(PORT), await of(PORT + 1)], [[], 'first', 'second']);
  }),
);
