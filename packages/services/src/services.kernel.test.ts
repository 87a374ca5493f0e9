import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { PodwireError } from '@podwire/base';
import { bindUdp, listenTcp } from '@podwire/kernel';
import { putService, putSlice } from './api-objects.fixture.ts';
import { ADDRESS, type Answer, type Place, type World, withWorld } from './world.fixture.ts';

async function many(
  world: World,
  count: number,
  target: readonly [from: Place, address: string, port: number],
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i++) answers.push(await world.connect(...target));
  return answers;
}

const tally = (answers: readonly Answer[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(answers, (answer) => answer.server)].map(([server, all]) => [server, all.length]));
const sources = (answers: readonly Answer[]): string[] => [...new Set(answers.map((answer) => answer.source))].sort();

/** How a connection fails: `refused` within 100 ms, `silence` when nothing answers. */
async function failure(world: World, from: Place, address: string, port: number): Promise<string> {
  const started = performance.now();
  try {
    const { server } = await world.connect(from, address, port, 400);
    return `answered by ${server}`;
  } catch (error) {
    const name = error instanceof PodwireError ? error.details.errnoName : error;
    if (name === 'ECONNREFUSED') return performance.now() - started < 100 ? 'refused' : 'refused late';
    return name === 'ETIMEDOUT' ? 'silence' : String(name);
  }
}

test('services, with real packets', { timeout: 120_000 }, (t) =>
  withWorld(async (world) => {
    const { informers } = world;

    await t.test(
      'a cluster IP spreads connections equally and keeps the source of pods (SVC-1, SVC-2, SVC-8)',
      async () => {
        putService(informers, '10.96.0.1');
        await world.room.idle();
        const answers = await many(world, 150, ['client', '10.96.0.1', 80]);
        const counts = tally(answers);
        assert.deepEqual(Object.keys(counts).sort(), ['far:8080', 'near1:8080', 'near2:8080']);
        // 150 draws of 1/3: less than 25 has a probability below 1e-5
        assert.ok(Math.min(...Object.values(counts)) >= 25, JSON.stringify(counts));
        assert.deepEqual(sources(answers), [ADDRESS.client]);
      },
    );

    await t.test('a node reaches a cluster IP from its own address', async () => {
      const answers = await many(world, 20, ['node', '10.96.0.1', 80]);
      assert.deepEqual(sources(answers), [ADDRESS.node]);
      assert.ok('far:8080' in tally(answers));
    });

    await t.test('the outside reaches a cluster IP routed to a node, masqueraded', async () => {
      assert.deepEqual(sources(await many(world, 20, ['outside', '10.96.0.1', 80])), [ADDRESS.node]);
    });

    await t.test('a named target port may be another number in each slice (SVC-23)', async () => {
      const name = putService(informers, '10.96.0.2', { backends: ['near1'] });
      putSlice(informers, name, { backends: ['near2'], targetPort: 9090 }, `${name}-b`);
      await world.room.idle();
      assert.deepEqual(Object.keys(tally(await many(world, 40, ['client', '10.96.0.2', 80]))).sort(), [
        'near1:8080',
        'near2:9090',
      ]);
    });

    await t.test(
      'node port, external IP and load-balancer IP from outside, masqueraded (SVC-9, SVC-11, SVC-12)',
      async () => {
        putService(informers, '10.96.0.3', {
          type: 'LoadBalancer',
          externalIPs: ['198.51.100.3'],
          ports: [{ name: 'http', port: 80, nodePort: 30003 }],
          ingress: [
            { ip: '198.51.100.4', ipMode: 'VIP' },
            { ip: '198.51.100.5', ipMode: 'Proxy' },
          ],
        });
        await world.room.idle();
        for (const [address, port] of [
          [ADDRESS.node, 30003],
          ['198.51.100.3', 80],
          ['198.51.100.4', 80],
        ] as const) {
          const answers = await many(world, 40, ['outside', address, port]);
          assert.equal(Object.keys(tally(answers)).length, 3, address);
          assert.deepEqual(sources(answers), [ADDRESS.node], address);
        }
        assert.equal(await failure(world, 'node', '127.0.0.1', 30003), 'refused');
        assert.equal(await failure(world, 'client', '198.51.100.5', 80), 'silence');
        assert.equal((await world.connect('client', ADDRESS.node, 30003)).source, ADDRESS.node);
        assert.equal((await world.connect('node', ADDRESS.node, 30003)).source, ADDRESS.node);
      },
    );

    await t.test('a pod reaches itself through its own service, masqueraded only then (SVC-7)', async () => {
      putService(informers, '10.96.0.4', { backends: ['near1'] });
      await world.room.idle();
      assert.deepEqual(await world.connect('near1', '10.96.0.4', 80), { server: 'near1:8080', source: ADDRESS.node });
      assert.deepEqual(await world.connect('near2', '10.96.0.4', 80), { server: 'near1:8080', source: ADDRESS.near2 });
    });

    await t.test('without endpoints: refused at once, from everywhere and on every address (SVC-4)', async () => {
      putService(informers, '10.96.0.5', {
        backends: [],
        type: 'NodePort',
        externalIPs: ['198.51.100.6'],
        ports: [{ name: 'http', port: 80, nodePort: 30005 }],
      });
      await world.room.idle();
      for (const from of ['client', 'node', 'outside'] as const)
        for (const [address, port] of [
          ['10.96.0.5', 80],
          [ADDRESS.node, 30005],
          ['198.51.100.6', 80],
        ] as const)
          assert.equal(await failure(world, from, address, port), 'refused', `${from} to ${address}`);
    });

    await t.test('without endpoints: UDP is told by ICMP port unreachable (SVC-4)', async () => {
      putService(informers, '10.96.0.12', { backends: [] });
      await world.room.idle();
      for (const from of ['client', 'node', 'outside'] as const) {
        const socket = await bindUdp({ netns: world.netns[from], address: '0.0.0.0', port: 0 });
        try {
          await new Promise<void>((resolve) => socket.connect(53, '10.96.0.12', resolve));
          const refused = once(socket, 'error', { signal: AbortSignal.timeout(100) });
          // where the packet is made, the filter's verdict is the sender's error as well
          socket.send('?', () => {});
          const [error] = await refused.catch((reason) => [reason]);
          assert.equal(error.code, 'ECONNREFUSED', from);
        } finally {
          socket.close();
        }
      }
    });

    await t.test('a missing port is refused, an address of nobody is silent (SVC-6)', async () => {
      for (const from of ['client', 'node', 'outside'] as const) {
        assert.equal(await failure(world, from, '10.96.0.1', 81), 'refused', from);
        assert.equal(await failure(world, from, '10.97.0.1', 80), 'silence', from);
      }
    });

    await t.test('serving and terminating endpoints are used while nothing is ready (SVC-3)', async () => {
      const name = putService(informers, '10.96.0.6', {
        backends: ['near1'],
        conditions: { ready: false, serving: true, terminating: true },
      });
      await world.room.idle();
      assert.equal((await world.connect('client', '10.96.0.6', 80)).server, 'near1:8080');
      putSlice(informers, name, { backends: ['near2'] }, `${name}-b`);
      await world.room.idle();
      assert.deepEqual(Object.keys(tally(await many(world, 10, ['client', '10.96.0.6', 80]))), ['near2:8080']);
    });

    await t.test(
      'external policy Local: local endpoints, client address kept, all for insiders (SVC-13, SVC-5)',
      async () => {
        const ports = [{ name: 'http', port: 80, nodePort: 30007 }];
        const options = { type: 'NodePort', externalTrafficPolicy: 'Local', externalIPs: ['198.51.100.7'], ports };
        const name = putService(informers, '10.96.0.7', options);
        await world.room.idle();
        for (const [address, port] of [
          [ADDRESS.node, 30007],
          ['198.51.100.7', 80],
        ] as const) {
          const answers = await many(world, 30, ['outside', address, port]);
          assert.deepEqual(Object.keys(tally(answers)).sort(), ['near1:8080', 'near2:8080']);
          assert.deepEqual(sources(answers), [ADDRESS.outside]);
          assert.ok('far:8080' in tally(await many(world, 40, ['client', address, port])));
          assert.ok('far:8080' in tally(await many(world, 40, ['node', address, port])));
        }
        putSlice(informers, name, { backends: ['far'] });
        await world.room.idle();
        assert.equal(await failure(world, 'outside', ADDRESS.node, 30007), 'silence');
        assert.equal((await world.connect('client', '198.51.100.7', 80)).server, 'far:8080');
      },
    );

    await t.test(
      'external policy Local: a pod of another node reaches all, masqueraded where it must be (SVC-13)',
      async () => {
        const ports = [{ name: 'http', port: 80, nodePort: 30013 }];
        const options = { type: 'NodePort', externalTrafficPolicy: 'Local', ports };
        const name = putService(informers, '10.96.0.13', options);
        await world.room.idle();
        const answers = await many(world, 40, ['distant', ADDRESS.node, 30013]);
        assert.deepEqual(Object.keys(tally(answers)).sort(), ['far:8080', 'near1:8080', 'near2:8080']);
        const { true: far = [], false: near = [] } = Object.groupBy(answers, (a) => `${a.server === 'far:8080'}`);
        assert.deepEqual([sources(far), sources(near)], [[ADDRESS.node], [ADDRESS.distant]]);
        putSlice(informers, name, { backends: ['far'] });
        await world.room.idle();
        assert.deepEqual(await world.connect('distant', ADDRESS.node, 30013), {
          server: 'far:8080',
          source: ADDRESS.node,
        });
        assert.equal(await failure(world, 'outside', ADDRESS.node, 30013), 'silence');
      },
    );

    await t.test("internal policy Local: only endpoints of the client's node (SVC-14, SVC-5)", async () => {
      const name = putService(informers, '10.96.0.8', { internalTrafficPolicy: 'Local' });
      await world.room.idle();
      for (const from of ['client', 'node'] as const)
        assert.deepEqual(Object.keys(tally(await many(world, 30, [from, '10.96.0.8', 80]))).sort(), [
          'near1:8080',
          'near2:8080',
        ]);
      putSlice(informers, name, { backends: ['far'] });
      await world.room.idle();
      for (const from of ['client', 'node'] as const)
        assert.equal(await failure(world, from, '10.96.0.8', 80), 'silence');
    });

    await t.test('source ranges fence the load-balancer IP and not the node port (SVC-17)', async () => {
      putService(informers, '10.96.0.9', {
        type: 'LoadBalancer',
        loadBalancerSourceRanges: ['203.0.113.8/29', '203.0.113.10/32'],
        ingress: [{ ip: '198.51.100.9' }],
        ports: [{ name: 'http', port: 80, nodePort: 30009 }],
      });
      await world.room.idle();
      await world.connect('outside', '198.51.100.9', 80);
      await world.connect('client', ADDRESS.node, 30009);
      assert.equal(await failure(world, 'client', '198.51.100.9', 80), 'silence');
      assert.equal(await failure(world, 'node', '198.51.100.9', 80), 'silence');
    });

    await t.test('services of another proxy are left alone, headless ones do not exist here (SVC-22)', async () => {
      const labels = { 'service.kubernetes.io/service-proxy-name': 'podwire-dns' };
      putService(informers, '10.96.0.10', { labels });
      putService(informers, 'None');
      await world.room.idle();
      world.run('node', 'ip', 'addr', 'add', '10.96.0.10/32', 'dev', 'lo');
      const other = await listenTcp({ netns: world.netns.node, address: '10.96.0.10', port: 80 });
      other.on('connection', (socket) => socket.end('{"server":"other proxy"}\n'));
      for (const from of ['client', 'node'] as const)
        assert.equal(await failure(world, from, '10.96.0.10', 80), 'answered by other proxy');
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
