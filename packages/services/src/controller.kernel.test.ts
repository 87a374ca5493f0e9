import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { putService } from './api-objects.fixture.ts';
import { LoopbackRouting } from './loopback.ts';
import { type World, withWorld } from './world.fixture.ts';

const options = { timeout: 30_000 };
const tables = (world: World): string[] =>
  [...world.run('node', 'nft', 'list', 'tables').matchAll(/podwire-\w+/g)].map(([name]) => name);

test('changes of mode that are asked for at the same time follow one another', options, () =>
  withWorld(async (world) => {
    const { room } = world;
    await Promise.all((['userspace', 'iptables', 'userspace', 'nftables'] as const).map((mode) => room.setMode(mode)));
    assert.deepEqual([room.mode, tables(world)], ['nftables', ['podwire-services']]);
    const pending = room.setMode('userspace');
    await room.setMode('nftables');
    await pending;
    assert.deepEqual([room.mode, tables(world)], ['nftables', ['podwire-services']]);
    assert.deepEqual(await room.diff(), []);
  }),
);

test('a change of mode that a stop overtakes is refused, and leaves nothing open', options, () =>
  withWorld(async (world) => {
    const change = world.room.setMode('userspace');
    const refused = assert.rejects(change, (error: Error) => hasCode(error, 'SERVICES_MODE_REFUSED'));
    await world.room.stop();
    await refused;
    assert.equal(world.room.mode, 'nftables');
  }),
);

test('what fails after a change leaves nothing of the former mode', options, (t) =>
  withWorld(
    async (world) => {
      const { room } = world;
      const { bring } = LoopbackRouting.prototype;
      let failing = 1;
      t.mock.method(LoopbackRouting.prototype, 'bring', function (this: LoopbackRouting, on: boolean, look: boolean) {
        if (room.mode === 'nftables' && failing-- > 0) throw new Error('no');
        bring.call(this, on, look);
      });
      await room.setMode('nftables');
      while (!room.status().ready) await room.resync();
      assert.deepEqual([room.mode, tables(world)], ['nftables', ['podwire-services']]);
      putService(world.informers, '10.96.1.1');
      await room.idle();
      await world.connect('client', '10.96.1.1', 80);
    },
    () => ({ proxyMode: 'userspace' }),
  ),
);
