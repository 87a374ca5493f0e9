import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putService, putSlice } from './api-objects.fixture.ts';
import { runChanges, serversOf } from './suite/changes.ts';
import { ADDRESS, type World, withWorld } from './world.fixture.ts';

const table = (world: World): string => world.run('node', 'nft', 'list', 'table', 'ip', 'podwire-services');

test('services that change, with real packets', { timeout: 600_000 }, (t) =>
  withWorld(async (world) => {
    const { informers } = world;
    await runChanges(t, world);

    await t.test('a restarted room finds everything as it is and writes nothing', async () => {
      await world.restart();
      assert.equal(world.room.status().facts.commands, 0);
    });

    await t.test('what others delete or change is mended by a resync (SVC-31)', async () => {
      const before = table(world);
      world.run('node', 'nft', 'flush', 'chain', 'ip', 'podwire-services', 'prerouting');
      world.run('node', 'nft', 'delete', 'element', 'ip', 'podwire-services', 'cluster-ips', '{ 10.96.1.5 }');
      assert.ok((await world.room.diff()).length > 0);
      assert.deepEqual(await world.room.resync(), { kind: 'done' });
      assert.deepEqual(await world.room.diff(), []);
      // clients of the affinity map come and go by themselves
      const words = (text: string): string =>
        text
          .replace(/(map affinity \{[^}]*?)elements = \{[^}]*\}/, '$1')
          .split(/[\s,]+/)
          .sort()
          .join(' ');
      assert.equal(words(table(world)), words(before));
      world.run('node', 'nft', 'delete', 'table', 'ip', 'podwire-services');
      await world.room.resync();
      assert.equal((await world.connect('client', '10.96.1.5', 80)).server, 'near2:8080');
    });

    await t.test('a packet has its own mark back behind the room, and no other', async () => {
      const rules = `table ip t {
        chain before { type filter hook prerouting priority -150; ip daddr 10.96.1.3 tcp dport 80 meta mark set 0x00100007; }
        chain after { type filter hook prerouting priority -50; ip saddr ${ADDRESS.client} tcp dport 8080 ct state new jump look; }
        chain look { meta mark 0x00100007 counter comment "foreign"; meta mark 0 counter comment "none"; meta mark != { 0, 0x00100007 } counter comment "scratch"; ct mark != 0 counter comment "connection"; }
      }`;
      world.run('node', 'nft', rules);
      const packets = (name: string): number =>
        Number(
          new RegExp(`packets (\\d+) bytes \\d+ comment "${name}"`).exec(
            world.run('node', 'nft', 'list', 'table', 'ip', 't'),
          )?.[1],
        );
      await serversOf(world, 6, 'client', '10.96.1.3', 80);
      await serversOf(world, 3, 'client', '10.96.1.5', 80);
      await serversOf(world, 2, 'client', '10.96.1.1', 80);
      assert.deepEqual([packets('foreign'), packets('none'), packets('scratch'), packets('connection')], [6, 5, 0, 0]);
      world.run('node', 'nft', 'delete', 'table', 'ip', 't');
    });

    await t.test('a thousand services: one change is a few commands, whatever the scale', async () => {
      for (let i = 0; i < 1_000; i++) putService(informers, `10.100.${i >> 8}.${i & 255}`, {}, `many-${i}`);
      await world.room.idle();
      assert.equal(Number(world.room.status().facts.slots) > 6_000, true);
      await world.connect('client', '10.100.3.231', 80);
      putSlice(informers, 'many-500', { backends: ['near1', 'near2'] });
      await world.room.idle();
      // per port: the count replaced, one slot gone
      assert.ok(Number(world.room.status().facts.commands) <= 8, String(world.room.status().facts.commands));
      for (let i = 0; i < 1_000; i++)
        informers.remove('Service', { metadata: { namespace: 'default', name: `many-${i}` } });
      await world.room.idle();
      assert.ok(Number(world.room.status().facts.slots) < 100);
      assert.deepEqual(await world.room.diff(), []);
    });

    await t.test('cleanup removes the table and nothing else', async () => {
      world.run('node', 'nft', 'add', 'table', 'ip', 'somebody-else');
      await world.room.cleanup();
      assert.equal(world.run('node', 'nft', 'list', 'tables').trim(), 'table ip somebody-else');
    });
  }),
);
