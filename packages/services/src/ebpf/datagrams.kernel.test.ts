import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { bindUdp } from '@podwire/kernel';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { ADDRESS } from '../world.fixture.ts';
import { translated } from './socket-answers.fixture.ts';
import { lackingSocketProbe, withSocketWorld } from './socket-world.fixture.ts';

const skip = lackingSocketProbe();

test('datagrams', { skip, timeout: 600_000 }, (t) =>
  withSocketWorld('ebpf', async (world) => {
    const { informers } = world;
    const name = putService(informers, '10.96.3.1');
    await world.room.idle();

    const open = async () => {
      const socket = await bindUdp({ netns: world.netns.client, address: ADDRESS.client, port: 0 });
      const ask = async (address = '10.96.3.1') => {
        socket.send('?', 53, address);
        const [data, from] = await once(socket, 'message', { signal: AbortSignal.timeout(30_000) });
        return { ...JSON.parse(String(data)), from: `${from.address}:${from.port}` };
      };
      return { socket, ask };
    };

    await t.test('answers seem to come from the service, and one socket stays with its endpoint', async () => {
      const servers = new Set<string>();
      for (let i = 0; i < 100 && (i < 10 || servers.size < 3); i++) {
        const { socket, ask } = await open();
        const first = await ask();
        assert.deepEqual([first.from, first.source], ['10.96.3.1:53', ADDRESS.client]);
        for (let j = 0; j < 4; j++) assert.equal((await ask()).server, first.server);
        servers.add(first.server);
        socket.close();
      }
      assert.deepEqual([...servers].sort(), ['far', 'near1', 'near2']);
      assert.equal(translated(world, 'node') + translated(world, 'client'), '');
    });

    await t.test('a socket may talk to two services with the same endpoint', async () => {
      putService(informers, '10.96.3.2', { backends: ['near1'] });
      putService(informers, '10.96.3.3', { backends: ['near2'] });
      await world.room.idle();
      const { socket, ask } = await open();
      for (const address of ['10.96.3.2', '10.96.3.3', '10.96.3.2'])
        assert.equal((await ask(address)).from, `${address}:53`);
      socket.close();
    });

    await t.test(
      'a socket moves when its endpoint goes, is refused when there is none, and goes on (SVC-25)',
      async () => {
        const { socket, ask } = await open();
        const first = await ask();
        putSlice(informers, name, { backends: first.server === 'near1' ? ['near2'] : ['near1'] });
        await world.room.idle();
        assert.notEqual((await ask()).server, first.server);
        putSlice(informers, name, { backends: [] });
        await world.room.idle();
        const refused = new Promise((resolve) => socket.send('?', 53, '10.96.3.1', resolve));
        assert.equal(((await refused) as NodeJS.ErrnoException | null)?.code, 'ECONNREFUSED');
        putSlice(informers, name, { backends: ['far'] });
        await world.room.idle();
        assert.equal((await ask()).server, 'far');
        socket.close();
      },
    );

    await t.test('a connected socket is led once, and shows the service', async () => {
      const socket = await bindUdp({ netns: world.netns.client, address: ADDRESS.client, port: 0 });
      socket.connect(53, '10.96.3.1');
      await once(socket, 'connect');
      assert.deepEqual([socket.remoteAddress().address, socket.remoteAddress().port], ['10.96.3.1', 53]);
      socket.send('?');
      const [data, from] = await once(socket, 'message', { signal: AbortSignal.timeout(30_000) });
      assert.deepEqual([JSON.parse(String(data)).server, from.address, from.port], ['far', '10.96.3.1', 53]);
      socket.close();
    });
  }),
);
