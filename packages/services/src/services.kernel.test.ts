import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenTcp } from '@podwire/kernel';
import { putService } from './api-objects.fixture.ts';
import { runCases } from './suite/case.ts';
import { SUITE } from './suite/index.ts';
import { failure } from './suite/probe.ts';
import { withWorld } from './world.fixture.ts';

test('services, with real packets', { timeout: 120_000 }, (t) =>
  withWorld(async (world) => {
    const { informers } = world;

    await runCases(t, world, SUITE);

    await t.test('services of another proxy are left alone, headless ones do not exist here (SVC-22)', async () => {
      const labels = { 'service.kubernetes.io/service-proxy-name': 'podwire-dns' };
      putService(informers, '10.96.0.10', { labels });
      putService(informers, 'None');
      await world.room.idle();
      world.run('node', 'ip', 'addr', 'add', '10.96.0.10/32', 'dev', 'lo');
      const other = await listenTcp({ netns: world.netns.node, address: '10.96.0.10', port: 80 });
      other.on('connection', (socket) => socket.end('{"server":"other proxy"}\n'));
      for (const from of ['client', 'node'] as const)
        assert.equal(await failure(world, { from, to: ['10.96.0.10', 80] }), 'answered by other proxy');
      other.close();
    });

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
