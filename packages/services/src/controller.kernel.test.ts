import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { putService } from './api-objects.fixture.ts';
import { NodeNamespaces } from './ebpf/namespaces.ts';
import { lackingSocketProbe, withSocketWorld } from './ebpf/socket-world.fixture.ts';
import { LoopbackRouting } from './loopback.ts';
import { NftablesProxy } from './nftables/nftables-proxy.ts';
import { NodeState } from './node-state.ts';
import { NODES, type World, withWorld } from './world.fixture.ts';

const options = { timeout: 600_000 };
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

test('a change of mode that a stop overtakes is refused, and leaves nothing open', options, (t) =>
  withWorld(
    async ({ room }) => {
      const close = t.mock.method(NftablesProxy.prototype, 'close');
      const refused = assert.rejects(room.setMode('nftables'), (error: Error) =>
        hasCode(error, 'SERVICES_MODE_REFUSED'),
      );
      await room.stop();
      await refused;
      assert.deepEqual([room.mode, close.mock.callCount()], ['userspace', 1]);
    },
    () => ({ proxyMode: 'userspace' }),
  ),
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

test('a resync that is asked for while a pass runs is made, also when a change comes with it', options, (t) =>
  withWorld(async (world) => {
    const { room, informers } = world;
    const { bring } = LoopbackRouting.prototype;
    const looks: boolean[] = [];
    t.mock.method(LoopbackRouting.prototype, 'bring', function (this: LoopbackRouting, on: boolean, look: boolean) {
      if (looks.push(look) === 1) {
        void room.resync();
        putService(informers, '10.96.1.2');
      }
      bring.call(this, on, look);
    });
    putService(informers, '10.96.1.1');
    await room.idle();
    assert.deepEqual([looks[0], looks.at(-1)], [false, true]);
  }),
);

test('a pass that fails looks again, whatever it failed at', options, (t) =>
  withWorld(async (world) => {
    const { room, informers } = world;
    const model = t.mock.method(NodeState.prototype, 'model', () => {
      throw new Error('the kernel tells no addresses');
    });
    informers.put('Node', NODES.node);
    assert.equal(model.mock.callCount(), 0, 'an informer’s handler only marks');
    await room.idle();
    assert.deepEqual([model.mock.callCount(), room.status().ready], [1, false]);
    assert.match(room.status().errors.join(), /services are not in force: the kernel tells no addresses/);
    model.mock.restore();
    world.run('node', 'nft', 'flush', 'chain', 'ip', 'podwire-services', 'prerouting');
    putService(informers, '10.96.1.1');
    await room.idle();
    assert.deepEqual([room.status().ready, await room.diff()], [true, []]);
  }),
);

test(
  'sockets of pods that cannot be served yet are tried by a pass; whoever tells of them is not bothered',
  {
    ...options,
    skip: lackingSocketProbe(),
  },
  (t) =>
    withSocketWorld('ebpf', async ({ room }) => {
      const refresh = t.mock.method(NodeNamespaces.prototype, 'refresh', () => {
        throw new Error('a namespace is gone');
      });
      room.podsChanged();
      await room.idle();
      assert.deepEqual([refresh.mock.callCount(), room.status().ready], [2, false]);
      assert.match(room.status().errors.join(), /a namespace is gone/);
      refresh.mock.restore();
      await room.resync();
      assert.equal(room.status().ready, true);
    }),
);

test('only what mends the work of somebody else is called a repair', options, (t) =>
  withWorld(async ({ room }) => {
    const sync = t.mock.method(NftablesProxy.prototype, 'sync');
    for (const [synced, repairs] of [
      [{ commands: 3, repairs: 0 }, 0],
      [{ commands: 3 }, 1],
      [{ commands: 0 }, 1],
      [{ commands: 3, repairs: 2 }, 2],
    ] as const) {
      sync.mock.mockImplementation(() => synced);
      await room.resync();
      assert.deepEqual([room.status().facts.commands, room.status().facts['repairs']], [synced.commands, repairs]);
    }
  }),
);
