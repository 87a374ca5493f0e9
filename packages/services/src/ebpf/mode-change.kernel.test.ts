import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import { test } from 'node:test';
import { connectTcp } from '@podwire/kernel';
import { putService } from '../api-objects.fixture.ts';
import { translated } from './socket-answers.fixture.ts';
import { lackingSocketProbe, withSocketWorld } from './socket-world.fixture.ts';

const skip = lackingSocketProbe();

test('from mode nftables to ebpf and back, with a connection going on', { skip, timeout: 600_000 }, () =>
  withSocketWorld('nftables', async (world, { bpffs }) => {
    putService(world.informers, '10.96.5.1');
    await world.room.idle();
    const sockets: Awaited<ReturnType<typeof connectTcp>>[] = [];
    const open = async (): Promise<void> => {
      const socket = await connectTcp({ netns: world.netns.client, address: '10.96.5.1', port: 80 });
      await once(socket, 'data');
      sockets.push(socket);
    };
    const echo = async (): Promise<void> => {
      for (const socket of sockets) {
        socket.write('ping');
        assert.equal(String((await once(socket, 'data'))[0]), 'ping');
      }
    };
    await open();
    await world.room.setMode('ebpf');
    assert.equal(world.room.status().facts.mode, 'ebpf');
    world.run('node', 'nft', 'list', 'table', 'ip', 'podwire-services');
    await open();
    await echo();
    assert.equal(translated(world, 'node').trim().split('\n').length, 1);
    await world.room.setMode('nftables');
    await open();
    await echo();
    assert.equal(fs.existsSync(`${bpffs}/podwire`), false);
    assert.equal(translated(world, 'node').trim().split('\n').length, 2);
    for (const socket of sockets) socket.destroy();
  }),
);
