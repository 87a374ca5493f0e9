import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withNetns } from '@podwire/kernel/testing';
import { putService } from './api-objects.fixture.ts';
import { RulesetWatch } from './ruleset-watch.ts';
import { type World, withWorld } from './world.fixture.ts';

/** Well below the minute after which everything is looked at anyway. */
const DEADLINE = 40_000;

const fact = ({ room }: World, name: string): number => Number(room.status().facts[name]);

for (const proxyMode of ['nftables', 'userspace'] as const)
  test(`mode ${proxyMode} mends within seconds what others did to nftables`, { timeout: 100_000 }, () =>
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
        const table = proxyMode === 'nftables' ? 'podwire-services' : 'podwire-userspace';
        const end = performance.now() + DEADLINE;
        world.run('node', 'nft', 'flush', 'chain', 'ip', table, 'prerouting');
        while (fact(world, 'repairs') === 0 && performance.now() < end) await sleep(20);
        assert.equal(fact(world, 'repairs'), 1);
        assert.deepEqual(await world.room.diff(), []);
        await world.connect('client', '10.96.0.2', 80);
      },
      () => ({ proxyMode, rulesetInterval: 20 }),
    ),
  );

test('who writes while a pass does is noticed, when the pass says how often it wrote', { timeout: 60_000 }, () =>
  withNetns(1, async (netns) => {
    const write = (table: string) =>
      execFileSync('ip', ['netns', 'exec', netns.name ?? '', 'nft', 'add', 'table', table]);
    let noticed = 0;
    const watch = new RulesetWatch(() => noticed++, netns);
    watch.start(10);
    try {
      watch.begin();
      write('own');
      watch.settle({ transactions: 1 });
      await sleep(100);
      assert.equal(noticed, 0);
      watch.begin();
      write('own-too');
      write('foreign');
      watch.settle({ transactions: 1 });
      while (noticed === 0) await sleep(10);
    } finally {
      watch.stop();
    }
  }),
);
