import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PodwireError } from '@podwire/base';
import { probe } from '@podwire/kernel/probe';
import { putService } from '../api-objects.fixture.ts';
import { withWorld } from '../world.fixture.ts';

const has = probe('ipvs').outcome === 'yes' && 'this kernel has IPVS (probe ipvs)';
const NEEDS = /mode ipvs needs the load balancer of the kernel \(module ip_vs, CONFIG_IP_VS\)/;

test('a kernel without IPVS: the mode is refused with what is missing, and the one before goes on', { skip: has }, () =>
  withWorld(async (world) => {
    putService(world.informers, '10.96.0.1');
    await world.room.idle();
    await assert.rejects(world.room.setMode('ipvs'), (error) => {
      assert.ok(error instanceof PodwireError && error.code === 'SERVICES_MODE_REFUSED');
      assert.match(error.message, NEEDS);
      return true;
    });
    assert.equal(world.room.mode, 'nftables');
    await world.connect('client', '10.96.0.1', 80);
    assert.deepEqual(await world.room.diff(), []);
    assert.doesNotMatch(world.run('node', 'nft', 'list', 'tables'), /podwire-ipvs/);
    assert.doesNotMatch(world.run('node', 'ip', 'rule'), /7115/);
  }),
);

test('a kernel without IPVS: a room that begins with the mode says what is missing', { skip: has }, () =>
  withWorld(
    async ({ room }) => {
      assert.equal(room.status().ready, false);
      assert.match(room.status().errors.join('\n'), NEEDS);
    },
    () => ({ proxyMode: 'ipvs' }),
  ),
);
