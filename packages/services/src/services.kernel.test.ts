import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putService } from './api-objects.fixture.ts';
import { withWorld } from './world.fixture.ts';

test('what mode nftables writes, says and lists', { timeout: 600_000 }, (t) =>
  withWorld(async (world) => {
    const { informers } = world;

    await t.test('more endpoints than there are ready-made chains', async () => {
      const name = putService(informers, '10.96.0.11', { backends: ['near1'] });
      const endpoints = Array.from({ length: 100 }, (_, i) => ({
        addresses: [`10.244.2.${i + 10}`],
        conditions: { ready: true },
        nodeName: 'node-2',
      }));
      informers.put('EndpointSlice', {
        metadata: { namespace: 'default', name: `${name}-many`, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
        endpoints,
      });
      await world.room.idle();
      assert.deepEqual(world.room.status().errors, []);
      assert.match(
        world.run('node', 'nft', 'list', 'chain', 'ip', 'podwire-services', 'n128'),
        /numgen random mod 128/,
      );
      informers.remove('EndpointSlice', {
        metadata: { namespace: 'default', name: `${name}-many`, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        endpoints: [],
      });
      await world.room.idle();
      assert.equal((await world.connect('client', '10.96.0.11', 80)).server, 'near1:8080');
    });

    await t.test('status tells sizes and no errors; plan names services; diff is empty', async () => {
      for (let i = 1; i < 6; i++) putService(informers, `10.96.0.${i}`);
      await world.room.idle();
      const { ready, errors, facts } = world.room.status();
      assert.deepEqual([ready, errors], [true, []]);
      assert.ok(Number(facts.slots) > 20);
      assert.ok(
        world.room.plan().some(({ what }) => what.startsWith('cluster IP 10.96.0.1 tcp 80 -> 10.244.1.5:8080')),
      );
      assert.deepEqual(await world.room.diff(), []);
    });

    await t.test('what is written can be listed, and the listing loads again to the same ruleset', async () => {
      const listing = world.run('node', 'nft', 'list', 'table', 'ip', 'podwire-services');
      world.run('node', 'nft', 'delete', 'table', 'ip', 'podwire-services');
      world.run('node', 'nft', listing);
      const bag = (text: string): string =>
        text
          .split(/[\s,]+/)
          .sort()
          .join(' ');
      assert.equal(bag(world.run('node', 'nft', 'list', 'table', 'ip', 'podwire-services')), bag(listing));
    });
  }),
);
