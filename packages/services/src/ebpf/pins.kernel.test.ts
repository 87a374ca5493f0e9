import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import { test } from 'node:test';
import { connectTcp } from '@podwire/kernel';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { failure } from '../suite/probe.ts';
import { affinity, many, serversOf, translated } from './socket-answers.fixture.ts';
import { lackingSocketProbe, withSocketWorld } from './socket-world.fixture.ts';

const skip = lackingSocketProbe();

test('what is in the kernel outlives the room', { skip, timeout: 600_000 }, (t) =>
  withSocketWorld('ebpf', async (world, { bpffs }) => {
    const { informers } = world;
    const name = putService(informers, '10.96.4.1', affinity(60));
    await world.room.idle();
    const pins = (): string[] =>
      fs.readdirSync(`${bpffs}/podwire`).flatMap((node) => fs.readdirSync(`${bpffs}/podwire/${node}`));

    await t.test('after its end programs and maps go on without it and without the rules', async () => {
      const { server } = await world.connect('client', '10.96.4.1', 80);
      await world.room.stop();
      world.run('node', 'nft', 'delete', 'table', 'ip', 'podwire-services');
      assert.deepEqual(serversOf(await many(world, 8, 'client', '10.96.4.1', 80)), [server]);
      await world.restart();
      assert.deepEqual(serversOf(await many(world, 8, 'client', '10.96.4.1', 80)), [server]);
    });

    await t.test('a restarted room writes no element, and changes made meanwhile', async () => {
      await world.restart();
      const programs = 9;
      assert.equal(world.room.status().facts.commands, programs);
      await world.room.stop();
      putSlice(informers, name, { backends: ['far'] });
      await world.restart();
      assert.deepEqual(serversOf(await many(world, 8, 'client', '10.96.4.1', 80)), ['far:8080']);
    });

    await t.test('what others take away is noticed and mended', async () => {
      assert.deepEqual(await world.room.diff(), []);
      for (const node of fs.readdirSync(`${bpffs}/podwire`)) fs.unlinkSync(`${bpffs}/podwire/${node}/link-connect4`);
      assert.match((await world.room.diff()).map(({ what }) => what).join(), /connect4: not attached/);
      assert.deepEqual(await world.room.resync(), { kind: 'done' });
      assert.deepEqual(await world.room.diff(), []);
      assert.equal((await world.connect('client', '10.96.4.1', 80)).server, 'far:8080');
    });

    await t.test('cleanup leaves nothing', async () => {
      assert.ok(pins().includes('link-connect4') && pins().includes('services'), pins().join());
      await world.room.cleanup();
      assert.equal(fs.existsSync(`${bpffs}/podwire`), false);
      assert.equal(world.run('node', 'nft', 'list', 'tables'), '');
      assert.doesNotMatch(
        await failure(world, { from: 'client', to: ['10.96.4.1', 80], fails: 'silence' }),
        /^answered/,
      );
    });
  }),
);

test('without a bpf file system the programs end with the room, and it says so', { skip, timeout: 600_000 }, () =>
  withSocketWorld(
    'ebpf',
    async (world) => {
      putService(world.informers, '10.96.6.1');
      await world.room.idle();
      assert.match(world.room.status().errors.join(), /no bpf file system is mounted/);
      const connected = async () => {
        const socket = await connectTcp({ netns: world.netns.client, address: '10.96.6.1', port: 80 });
        await once(socket, 'data');
        socket.destroy();
        return translated(world, 'node') === '' ? 'by the socket' : 'by the rules';
      };
      assert.equal(await connected(), 'by the socket');
      await world.room.stop();
      assert.equal(await connected(), 'by the rules');
    },
    { pinned: false },
  ),
);
