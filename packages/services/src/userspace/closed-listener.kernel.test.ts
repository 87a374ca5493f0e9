import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putService, type ServiceOptions } from '../api-objects.fixture.ts';
import { failure } from '../suite/probe.ts';
import { ADDRESS6, withWorld } from '../world.fixture.ts';

test('a listener that cannot be opened is told, refuses, and is tried again; the others are in force', () =>
  withWorld(
    async (world) => {
      const { informers, room } = world;
      const before = putService(informers, '10.96.0.1');
      await room.idle();
      world.run('node', 'ip', 'addr', 'del', `${ADDRESS6.node}/64`, 'dev', 'eth0');
      const family: ServiceOptions = { clusterIPs: ['fd00:96::2'], addressType: 'IPv6' };
      putService(informers, 'fd00:96::2', family);
      putService(informers, '10.96.0.3');
      await room.idle();
      const { errors } = room.status();
      assert.match(errors.join('\n'), /^listeners cannot be opened, .* tcp 80 internal fd00:30::11 \(.*EADDRNOTAVAIL/);
      assert.equal(await failure(world, { from: 'client', to: ['fd00:96::2', 80] }), 'refused');
      for (const address of ['10.96.0.1', '10.96.0.3']) await world.connect('client', address, 80);
      putService(informers, '10.96.0.4', {}, before);
      await room.idle();
      await world.connect('client', '10.96.0.4', 80);
      assert.deepEqual(await room.diff(), []);

      world.run('node', 'ip', 'addr', 'add', `${ADDRESS6.node}/64`, 'dev', 'eth0', 'nodad');
      await room.resync();
      assert.deepEqual(room.status().errors, []);
      await world.connect('client', 'fd00:96::2', 80);
    },
    () => ({ proxyMode: 'userspace', dualStack: true }),
  ));
