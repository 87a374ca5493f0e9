import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindUdp, connectTcp } from '@podwire/kernel';
import { putService, putSlice } from './api-objects.fixture.ts';
import { ADDRESS, type World, withWorld } from './world.fixture.ts';

const serversOf = async (
  world: World,
  count: number,
  ...target: Parameters<World['connect']>
): Promise<Set<string>> => {
  const servers = new Set<string>();
  for (let i = 0; i < count; i++) servers.add((await world.connect(...target)).server);
  return servers;
};
const only = (servers: Set<string>): string => {
  assert.equal(servers.size, 1, [...servers].join());
  return [...servers].join();
};
const affinity = (timeoutSeconds: number) => ({
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds } },
});
const table = (world: World): string => world.run('node', 'nft', 'list', 'table', 'ip', 'podwire-services');

test('services that change, with real packets', { timeout: 120_000 }, (t) =>
  withWorld(async (world) => {
    const { informers } = world;
    const backends = ['near1', 'near2', 'far'] as const;
    const placeOf = (server: string) => backends.find((place) => server.startsWith(place)) ?? 'far';

    await t.test(
      'affinity: a client stays, also when others come and go; a lost endpoint means a new choice (SVC-19)',
      async () => {
        const name = putService(informers, '10.96.1.1', affinity(10_800));
        await world.room.idle();
        const first = only(await serversOf(world, 15, 'client', '10.96.1.1', 80));
        const others = backends.filter((place) => place !== placeOf(first));
        putSlice(informers, name, { backends: backends.filter((place) => place !== others[0]) });
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
      },
    );

    await t.test('affinity is kept by a restarted room', async () => {
      const before = only(await serversOf(world, 3, 'client', '10.96.1.1', 80));
      await world.restart();
      assert.equal(only(await serversOf(world, 10, 'client', '10.96.1.1', 80)), before);
    });

    await t.test('affinity ends after its time, which each new connection starts again', async () => {
      putService(informers, '10.96.1.2', affinity(1));
      await world.room.idle();
      const first = (await world.connect('client', '10.96.1.2', 80)).server;
      for (let i = 0; i < 4; i++) {
        await sleep(500);
        assert.equal((await world.connect('client', '10.96.1.2', 80)).server, first);
      }
      const later = new Set<string>();
      for (let i = 0; i < 12 && later.size < 2; i++) {
        await sleep(1100);
        later.add((await world.connect('client', '10.96.1.2', 80)).server);
      }
      assert.ok(later.size > 1);
    });

    await t.test('affinity is switched on and off while the service lives', async () => {
      const name = putService(informers, '10.96.1.3');
      await world.room.idle();
      assert.ok((await serversOf(world, 30, 'client', '10.96.1.3', 80)).size > 1);
      putService(informers, '10.96.1.3', affinity(60), name);
      await world.room.idle();
      only(await serversOf(world, 15, 'client', '10.96.1.3', 80));
      putService(informers, '10.96.1.3', {}, name);
      await world.room.idle();
      assert.ok((await serversOf(world, 30, 'client', '10.96.1.3', 80)).size > 1);
    });

    await t.test('a UDP client moves when its endpoint goes, and when the first one comes (SVC-25)', async () => {
      const name = putService(informers, '10.96.1.4', { backends: ['near1'] });
      await world.room.idle();
      const client = await bindUdp({ netns: world.netns.client, address: ADDRESS.client, port: 40_000 });
      const answers: string[] = [];
      client.on('message', (data) => answers.push(JSON.parse(String(data)).server)).on('error', () => {});
      const ask = async (): Promise<string | undefined> => {
        for (let i = 0; i < 5; i++) {
          answers.length = 0;
          client.send('?', 53, '10.96.1.4');
          await sleep(20);
          if (answers.length) return answers[0];
        }
        return undefined;
      };
      assert.equal(await ask(), 'near1');
      putSlice(informers, name, { backends: ['near2', 'far'] });
      await world.room.idle();
      const second = await ask();
      assert.ok(second === 'near2' || second === 'far', second);
      assert.ok(Number(world.room.status().facts.flowsForgotten) >= 1);
      putSlice(informers, name, { backends: [] });
      await world.room.idle();
      assert.equal(await ask(), undefined);
      putSlice(informers, name, { backends: ['near1'] });
      await world.room.idle();
      assert.equal(await ask(), 'near1');
      client.close();
    });

    await t.test(
      'an open connection outlives its endpoint, a restart of the room and its stop (SVC-26, OPS-1)',
      async () => {
        const name = putService(informers, '10.96.1.5', { backends: ['near1'] });
        await world.room.idle();
        const socket = await connectTcp({ netns: world.netns.client, address: '10.96.1.5', port: 80 });
        const echo = async (): Promise<void> => {
          socket.write('ping');
          const [data] = await once(socket, 'data');
          assert.equal(String(data), 'ping');
        };
        await once(socket, 'data');
        putSlice(informers, name, { backends: ['near2'] });
        await world.room.idle();
        await echo();
        await world.restart();
        await echo();
        assert.equal((await world.connect('client', '10.96.1.5', 80)).server, 'near2:8080');
        socket.destroy();
      },
    );

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
