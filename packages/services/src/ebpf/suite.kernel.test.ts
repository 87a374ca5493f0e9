import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectTcp } from '@podwire/kernel';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { runCases } from '../suite/case.ts';
import { runChanges } from '../suite/changes.ts';
import { ACROSS_NODES, SUITE } from '../suite/index.ts';
import { lackingSocketProbe, withSocketWorld } from './socket-world.fixture.ts';

const skip = lackingSocketProbe();

test('mode ebpf does what every mode does', { skip, timeout: 600_000 }, (t) =>
  withSocketWorld('ebpf', (world) => runCases(t, world, SUITE), { dualStack: true }),
);

test('mode ebpf does on two nodes what every mode does', { skip, timeout: 600_000 }, (t) =>
  withSocketWorld('ebpf', (world) => runCases(t, world, ACROSS_NODES), { dualStack: true, secondNode: true }),
);

test('mode ebpf does what every mode does when services change', { skip, timeout: 600_000 }, (t) =>
  withSocketWorld('ebpf', (world) => runChanges(t, world)),
);

test('sockets of IPv6, and those that use IPv4', { skip, timeout: 600_000 }, (t) =>
  withSocketWorld(
    'ebpf',
    async (world) => {
      await t.test('the peer is the service, and nothing is translated', async () => {
        const name = putService(world.informers, '10.96.9.9', { clusterIPs: ['10.96.9.9', 'fd00:96::99'] });
        putSlice(world.informers, name, { addressType: 'IPv6' }, `${name}-6`);
        await world.room.idle();
        world.run('node', 'conntrack', '-F');
        for (const address of ['fd00:96::99', '::ffff:10.96.9.9']) {
          const socket = await connectTcp({ netns: world.netns.client, address, port: 80 });
          const normal = address.replace('10.96.9.9', 'a60:909');
          assert.ok([address, normal].includes(socket.remoteAddress ?? ''), socket.remoteAddress);
          socket.destroy();
        }
        for (const family of ['ipv4', 'ipv6'])
          assert.equal(world.run('node', 'conntrack', '-L', '-f', family, '--any-nat'), '', family);
      });
    },
    { dualStack: true },
  ),
);
