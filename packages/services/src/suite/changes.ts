import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindUdp, connectTcp } from '@podwire/kernel';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { ADDRESS, type World } from '../world.fixture.ts';

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

/** What every mode has to do alike when services and endpoints change. */
export async function runChanges(t: TestContext, world: World): Promise<void> {
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

  const away = world.room.mode === 'userspace' && 'what is relayed and remembered is in the program';

  await t.test('affinity is kept by a restarted room', { skip: away }, async () => {
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
    // of sockets there is nothing to forget
    if (world.room.mode !== 'ebpf') assert.ok(Number(world.room.status().facts.flowsForgotten) >= 1);
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
    { skip: away },
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
}
