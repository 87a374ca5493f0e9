import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { putService } from './api-objects.fixture.ts';
import { type World, withWorld } from './world.fixture.ts';

/** Well below the minute after which everything is looked at anyway. */
const DEADLINE = 120_000;

const fact = ({ room }: World, name: string): number => Number(room.status().facts[name]);

const CHAINS = {
  nftables: ['podwire-services', 'prerouting'],
  userspace: ['podwire-userspace', 'prerouting'],
  iptables: ['nat', 'PREROUTING'],
} as const;

for (const proxyMode of ['nftables', 'userspace', 'iptables'] as const)
  test(`mode ${proxyMode} mends within seconds what others did to nftables`, { timeout: 600_000 }, () =>
    withWorld(
      async (world) => {
        putService(world.informers, '10.96.0.1');
        await world.room.idle();
        const before = fact(world, 'passes');
        await sleep(100);
        putService(world.informers, '10.96.0.2');
        await world.room.idle();
        await sleep(100);
        assert.equal(fact(world, 'passes'), before + 1, 'what the room writes itself is no reason to look');
        const end = performance.now() + DEADLINE;
        world.run('node', 'nft', 'flush', 'chain', 'ip', ...CHAINS[proxyMode]);
        while (fact(world, 'repairs') === 0 && performance.now() < end) await sleep(20);
        assert.equal(fact(world, 'repairs'), 1);
        assert.deepEqual(await world.room.diff(), []);
        await world.connect('client', '10.96.0.2', 80);
      },
      () => ({ proxyMode, rulesetInterval: 20 }),
    ),
  );
