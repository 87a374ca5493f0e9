import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTcp } from '@podwire/kernel';
import { putService, putSlice, type ServiceOptions } from '../api-objects.fixture.ts';
import type { World } from '../world.fixture.ts';
import { only, serversOf } from './changes.ts';

const slowStart = (time: string, more: ServiceOptions = {}): ServiceOptions => ({
  annotations: { 'podwire.io/slow-start': time },
  ...more,
});

/** How many of so many connections the endpoint takes that has become ready last. */
async function shareOf(world: World, address: string, count: number): Promise<number> {
  let share = 0;
  for (let i = 0; i < count; i++) if ((await world.connect('client', address, 80)).server === 'far:8080') share++;
  return share;
}

/** What every mode does alike with an endpoint that becomes ready beside others (SVC-33). */
export async function runSlowStart(t: TestContext, world: World): Promise<void> {
  const { informers } = world;
  const before = { backends: ['near1', 'near2'] } as const;

  await t.test('a new endpoint has a small share at first, and the same as others in the end', async () => {
    const name = putService(informers, '10.96.2.1', slowStart('10m', before));
    await world.room.idle();
    putSlice(informers, name);
    await world.room.idle();
    // 1/23 of 120 are 5: 24 or more have a probability below 1e-9, also as a third of all
    const first = await shareOf(world, '10.96.2.1', 120);
    assert.ok(first < 24, `${first} of 120 at first`);
    await sleep(1000);
    putService(informers, '10.96.2.1', slowStart('1s'), name);
    await world.room.idle();
    // 1/3 of 240 are 80: less than 36 have a probability below 1e-10
    const last = await shareOf(world, '10.96.2.1', 240);
    assert.ok(last >= 36, `${last} of 240 in the end`);
    assert.deepEqual(world.room.status().errors, []);
  });

  await t.test('shares grow by themselves; connections and affinity stay where they are', async () => {
    const affinity = { sessionAffinity: 'ClientIP' };
    const names = ['10.96.2.2', '10.96.2.3'].map((address, i) =>
      putService(informers, address, slowStart('10s', { ...before, ...(i === 1 && affinity) })),
    );
    await world.room.idle();
    const stays = only(await serversOf(world, 5, 'client', '10.96.2.3', 80));
    const socket = await connectTcp({ netns: world.netns.client, address: '10.96.2.2', port: 80 });
    await once(socket, 'data');
    for (const name of names) putSlice(informers, name);
    await world.room.idle();
    const planned = () => world.room.plan().filter(({ what }) => / 10\.96\.2\.2 tcp 80 .*\(weight/.test(what));
    const seen = new Set<string>();
    for (const end = performance.now() + 120_000; performance.now() < end && planned().length > 0; ) {
      for (const { what } of planned()) seen.add(what);
      assert.equal(only(await serversOf(world, 2, 'client', '10.96.2.3', 80)), stays);
      await sleep(80);
    }
    // by ten steps, of which a machine that has much to do may not see each
    assert.ok(seen.size >= 2, [...seen].join('\n'));
    assert.deepEqual(planned(), []);
    assert.deepEqual(await world.room.diff(), []);
    socket.write('ping');
    assert.equal(String((await once(socket, 'data'))[0]), 'ping');
    socket.destroy();
  });
}
