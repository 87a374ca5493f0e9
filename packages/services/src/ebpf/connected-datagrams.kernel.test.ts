import assert from 'node:assert/strict';
import type dgram from 'node:dgram';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindUdp } from '@podwire/kernel';
import { probe } from '@podwire/kernel/probe';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { ADDRESS, type Place, UDP_PORT, type World } from '../world.fixture.ts';
import { SocketMaps } from './socket-maps.ts';
import { lackingSocketProbe, withSocketWorld } from './socket-world.fixture.ts';

const destroy = probe('sock-destroy');
const skip = lackingSocketProbe() || (destroy.outcome !== 'yes' && `probe sock-destroy: ${destroy.reason}`);

/** A connected socket, and what it was told: answers of servers, or names of errors. */
interface Connected {
  readonly socket: dgram.Socket;
  readonly told: string[];
}

async function connect(world: World, from: Place, address: string, port = 53): Promise<Connected> {
  const socket = await bindUdp({
    netns: world.netns[from],
    address: address.includes(':') ? '::' : '0.0.0.0',
    port: 0,
  });
  const told: string[] = [];
  socket.on('message', (data) => told.push(JSON.parse(String(data)).server));
  socket.on('error', (error: NodeJS.ErrnoException) => told.push(error.code ?? String(error)));
  await new Promise<void>((resolve) => socket.connect(port, address, resolve));
  return { socket, told };
}

async function ask({ socket, told }: Connected): Promise<string | undefined> {
  told.length = 0;
  socket.send('?', () => {});
  for (let i = 0; i < 1500 && told.length === 0; i++) await sleep(20);
  return told[0];
}

const untilTold = async ({ told }: Connected): Promise<string | undefined> => {
  for (let i = 0; i < 1500 && told.length === 0; i++) await sleep(20);
  return told[0];
};

test('connected UDP sockets in mode ebpf', { skip, timeout: 600_000 }, (t) =>
  withSocketWorld(
    'ebpf',
    async (world) => {
      const { informers } = world;
      const open: Connected[] = [];
      const connectFrom = async (...args: Parameters<typeof connect> extends [unknown, ...infer R] ? R : never) => {
        const connected = await connect(world, ...args);
        open.push(connected);
        return connected;
      };
      const name = putService(informers, '10.96.6.1', {
        clusterIPs: ['10.96.6.1', 'fd00:96::61'],
        backends: ['near1'],
      });
      putSlice(informers, name, { backends: ['near1'], addressType: 'IPv6' }, `${name}-6`);
      const other = putService(informers, '10.96.6.2', { backends: ['near1'] });
      await world.room.idle();

      await t.test('they are told when their endpoint goes, and may connect again', async () => {
        const told = [
          await connectFrom('client', '10.96.6.1'),
          await connectFrom('node', '10.96.6.1'),
          await connectFrom('client', 'fd00:96::61'),
        ];
        const kept = [await connectFrom('client', ADDRESS.near1, UDP_PORT), await connectFrom('client', '10.96.6.2')];
        for (const one of [...told, ...kept]) assert.equal(await ask(one), 'near1');
        for (const one of told) one.told.length = 0;
        putSlice(informers, name, { backends: ['near2'] });
        putSlice(informers, name, { backends: ['near2'], addressType: 'IPv6' }, `${name}-6`);
        await world.room.idle();
        for (const one of told) assert.equal(await untilTold(one), 'ECONNABORTED');
        for (const one of kept) assert.equal(await ask(one), 'near1');
        assert.equal(world.room.status().facts.socketsClosed, 3);
        assert.equal(await ask(await connectFrom('client', '10.96.6.1')), 'near2');
      });

      await t.test('endpoints that come close nothing', async () => {
        const one = await connectFrom('client', '10.96.6.1');
        assert.equal(await ask(one), 'near2');
        putSlice(informers, name, { backends: ['near1', 'near2', 'far'] });
        await world.room.idle();
        await sleep(400);
        assert.equal(await ask(one), 'near2');
      });

      await t.test('what goes while the agent is away is noticed by the next', async () => {
        const one = await connectFrom('client', '10.96.6.2');
        assert.equal(await ask(one), 'near1');
        one.told.length = 0;
        await world.room.stop();
        putSlice(informers, other, { backends: ['far'] });
        await world.restart();
        assert.equal(await untilTold(one), 'ECONNABORTED');
      });

      await t.test('what goes while the maps cannot be written is noticed when they can', async (t) => {
        const third = putService(informers, '10.96.6.3', { backends: ['near1'] });
        await world.room.idle();
        const one = await connectFrom('client', '10.96.6.3');
        assert.equal(await ask(one), 'near1');
        one.told.length = 0;
        const write = t.mock.method(SocketMaps.prototype, 'write', () => {
          throw new Error('no memory for the map');
        });
        putSlice(informers, third, { backends: ['far'] });
        await world.room.idle();
        assert.equal(write.mock.callCount(), 1);
        write.mock.restore();
        await world.room.resync();
        assert.equal(await untilTold(one), 'ECONNABORTED');
      });

      assert.deepEqual(world.room.status().errors, []);
      for (const { socket } of open) socket.close();
    },
    { dualStack: true },
  ),
);
