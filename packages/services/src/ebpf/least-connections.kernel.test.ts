import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseIp } from '@podwire/base';
import { bindUdp, connectTcp } from '@podwire/kernel';
import { putService, putSlice, type ServiceOptions } from '../api-objects.fixture.ts';
import { ADDRESS, type Place, type World } from '../world.fixture.ts';
import { openKey } from './layout.ts';
import { findPlace } from './place.ts';
import { SocketMaps } from './socket-maps.ts';
import type { SocketPlaceFixture } from './socket-place.fixture.ts';
import { lackingSocketProbe, withSocketWorld } from './socket-world.fixture.ts';

const skip = lackingSocketProbe();
const least = (options: ServiceOptions = {}): ServiceOptions => ({
  backends: ['near1', 'near2'],
  annotations: { 'podwire.io/balance': 'least-connections' },
  ...options,
});

/** A connection and who has it. */
interface Open {
  readonly socket: net.Socket;
  readonly server: string;
}

async function connect(world: World, from: Place, address: string): Promise<Open> {
  const socket = await connectTcp({ netns: world.netns[from], address, port: 80 });
  const [data] = await once(socket, 'data');
  return { socket, server: JSON.parse(String(data)).server.split(':')[0] };
}

/** Closes connections as programs do; their kernel sockets go with them. */
async function close(all: readonly Open[]): Promise<void> {
  await Promise.all(all.map(({ socket }) => once(socket.destroy(), 'close')));
}

async function connectMany(world: World, count: number, address: string): Promise<Open[]> {
  const all: Open[] = [];
  for (let i = 0; i < count; i++) all.push(await connect(world, i % 2 ? 'client' : 'node', address));
  return all;
}

const shares = (all: readonly Open[]) =>
  Object.fromEntries([...Map.groupBy(all, ({ server }) => server)].map(([server, list]) => [server, list.length]));

function openSockets(place: SocketPlaceFixture): Map<string, number> {
  const maps = new SocketMaps(findPlace(place, place.runDirectory).pins);
  try {
    return new Map([...maps.maps.open].map(([key, open]) => [key.toString('hex'), Number(open.readBigInt64LE())]));
  } finally {
    maps.close();
  }
}

/** How many sockets the kernel counts at an endpoint. */
function openAt(
  place: SocketPlaceFixture,
  endpoint: 'near1' | 'near2' | 'far',
  protocol: 'tcp' | 'udp' = 'tcp',
): number {
  const port = protocol === 'tcp' ? 8080 : 5353;
  const key = openKey({ address: parseIp(ADDRESS[endpoint]), port, protocol });
  return openSockets(place).get(key.toString('hex')) ?? 0;
}

test('least connections in mode ebpf (SVC-33)', { skip, timeout: 600_000 }, (t) =>
  withSocketWorld('ebpf', async (world, place) => {
    const { informers } = world;
    const counts = () => [openAt(place, 'near1'), openAt(place, 'near2')];

    await t.test('of two endpoints the one with fewer open sockets is taken, whoever connects', async () => {
      putService(informers, '10.96.5.1', least());
      await world.room.idle();
      const all = await connectMany(world, 20, '10.96.5.1');
      assert.deepEqual(shares(all), { near1: 10, near2: 10 });
      assert.deepEqual(counts(), [10, 10]);
      await close(all.filter(({ server }) => server === 'near1').slice(0, 6));
      assert.deepEqual(counts(), [4, 10]);
      const more = await connectMany(world, 6, '10.96.5.1');
      assert.deepEqual(shares(more), { near1: 6 });
      await close([...all, ...more].filter(({ socket }) => !socket.destroyed));
      assert.deepEqual(counts(), [0, 0]);
    });

    await t.test('the better of two by their weights is always taken', async () => {
      const annotations = { 'podwire.io/balance': 'least-connections', 'podwire.io/weights': `${ADDRESS.near1}=3` };
      putService(informers, '10.96.5.2', least({ annotations }));
      await world.room.idle();
      const all: Open[] = [];
      for (let i = 0; i < 40; i++) {
        const [near1 = 0, near2 = 0] = counts();
        const [one] = await connectMany(world, 1, '10.96.5.2');
        assert.ok(one);
        all.push(one);
        const [load1, load2] = [near1 + 1, (near2 + 1) * 3];
        if (load1 !== load2)
          assert.equal(one.server, load1 < load2 ? 'near1' : 'near2', `${near1} and ${near2} are open`);
      }
      assert.deepEqual(shares(all), { near1: 30, near2: 10 });
      await close(all);
    });

    await t.test('an endpoint that comes gets the next connections', async () => {
      const name = putService(informers, '10.96.5.3', least());
      await world.room.idle();
      const all = await connectMany(world, 40, '10.96.5.3');
      putSlice(informers, name);
      await world.room.idle();
      const more = await connectMany(world, 100, '10.96.5.3');
      const { near1 = 0, near2 = 0, far = 0 } = shares([...all, ...more]);
      // they come to 47 each, by chance further apart than this once in a thousand million times
      assert.ok(Math.max(near1, near2, far) - Math.min(near1, near2, far) <= 12, JSON.stringify({ near1, near2, far }));
      await close([...all, ...more]);
      assert.deepEqual([...counts(), openAt(place, 'far')], [0, 0, 0]);
    });

    await t.test('sockets of a program that is killed are not counted any more', async () => {
      const code = `for (let i = 0; i < 8; i++) require('net').connect(80, '10.96.5.1').on('data', () => console.log('open'));`;
      const args = ['netns', 'exec', world.netns.client.name ?? '', process.execPath, '-e', code];
      const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
      let lines = 0;
      for await (const data of child.stdout) {
        lines += String(data).trim().split('\n').length;
        if (lines >= 8) break;
      }
      assert.deepEqual(counts(), [4, 4]);
      child.kill('SIGKILL');
      await once(child, 'close');
      for (let i = 0; i < 1500 && counts().some((count) => count > 0); i++) await sleep(20);
      assert.deepEqual(counts(), [0, 0]);
    });

    await t.test('counts outlive the agent', async () => {
      const all = await connectMany(world, 6, '10.96.5.1');
      await world.room.stop();
      await close(all.slice(0, 2));
      const meanwhile = await connectMany(world, 2, '10.96.5.1');
      await world.restart();
      assert.deepEqual(counts(), [3, 3]);
      await close([...all.slice(2), ...meanwhile]);
      assert.deepEqual(counts(), [0, 0]);
    });

    await t.test('a socket counts once, and not when it cannot connect', async () => {
      const udp = await bindUdp({ netns: world.netns.client, address: '0.0.0.0', port: 0 });
      for (let i = 0; i < 3; i++) {
        await new Promise<void>((resolve) => udp.connect(53, '10.96.5.1', resolve));
        assert.equal(openAt(place, 'near1', 'udp') + openAt(place, 'near2', 'udp'), 1);
        udp.disconnect();
      }
      await new Promise<void>((resolve) => udp.close(resolve));
      assert.equal(openAt(place, 'near1', 'udp') + openAt(place, 'near2', 'udp'), 0);
      const name = putService(informers, '10.96.5.4', least({ targetPort: 1 }));
      await world.room.idle();
      await assert.rejects(connectTcp({ netns: world.netns.client, address: '10.96.5.4', port: 80 }));
      assert.deepEqual(
        [...openSockets(place).values()].filter((open) => open !== 0),
        [],
      );
      informers.remove('Service', { metadata: { namespace: 'default', name } });
      await world.room.idle();
    });

    await t.test('who comes from outside is told apart', async () => {
      assert.match(
        world.room.status().limits?.[0] ?? '',
        /balance least-connections is for sockets of the node and its pods, and random for other clients/,
      );
    });

    await t.test('endpoints nobody asks for are forgotten', async () => {
      for (const service of informers.of('Service').list()) informers.remove('Service', service);
      await world.room.idle();
      await world.room.resync();
      assert.equal(openSockets(place).size, 0);
    });
  }),
);
