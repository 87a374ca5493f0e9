import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connectTcp } from '@podwire/kernel';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { expires } from '../suite/changes.ts';
import { failure } from '../suite/probe.ts';
import { ADDRESS } from '../world.fixture.ts';
import { ALL, affinity, many, serversOf, sourcesOf, translated } from './socket-answers.fixture.ts';
import { lackingSocketProbe, withSocketWorld } from './socket-world.fixture.ts';

const skip = lackingSocketProbe();

test('sockets of the node and its pods get endpoints', { skip, timeout: 600_000 }, (t) =>
  withSocketWorld('ebpf', async (world) => {
    const { informers } = world;

    await t.test('a cluster IP spreads connections equally, keeps the source, and nothing is translated', async () => {
      putService(informers, '10.96.0.1');
      await world.room.idle();
      const answers = await many(world, 240, 'client', '10.96.0.1', 80);
      assert.deepEqual(serversOf(answers), ALL);
      const counts = [...Map.groupBy(answers, ({ server }) => server).values()].map((all) => all.length);
      // 240 draws of 1/3: less than 36 has a probability below 1e-10
      assert.ok(Math.min(...counts) >= 36, counts.join());
      assert.deepEqual(sourcesOf(answers), [ADDRESS.client]);
      assert.equal(translated(world, 'client') + translated(world, 'node'), '');
      const fromNode = await many(world, 90, 'node', '10.96.0.1', 80);
      assert.deepEqual(serversOf(fromNode), ALL);
      assert.deepEqual(sourcesOf(fromNode).includes(ADDRESS.node), true);
      assert.equal(translated(world, 'node'), '');
      assert.deepEqual(world.room.status().errors, []);
    });

    await t.test('a socket shows the service as its peer and its own address as its name', async () => {
      const socket = await connectTcp({ netns: world.netns.client, address: '10.96.0.1', port: 80 });
      assert.deepEqual([socket.remoteAddress, socket.remotePort], ['10.96.0.1', 80]);
      assert.equal(socket.localAddress, ADDRESS.client);
      socket.destroy();
      const direct = await connectTcp({ netns: world.netns.client, address: ADDRESS.near1, port: 8080 });
      assert.deepEqual([direct.remoteAddress, direct.remotePort], [ADDRESS.near1, 8080]);
      direct.destroy();
    });

    await t.test('a pod reaches itself through its service, from its own address', async () => {
      putService(informers, '10.96.0.2', { backends: ['near1'] });
      await world.room.idle();
      assert.deepEqual(await world.connect('near1', '10.96.0.2', 80), { server: 'near1:8080', source: ADDRESS.near1 });
    });

    await t.test('the outside takes the rules for packets', async () => {
      assert.deepEqual(sourcesOf(await many(world, 5, 'outside', '10.96.0.1', 80)), [ADDRESS.node]);
      assert.notEqual(translated(world, 'node'), '');
      world.run('node', 'conntrack', '-F');
    });

    await t.test('node port, external IP and load-balancer IP, from pod and node', async () => {
      putService(informers, '10.96.0.3', {
        type: 'LoadBalancer',
        externalIPs: ['198.51.100.3'],
        ports: [{ name: 'http', port: 80, nodePort: 30003 }],
        ingress: [{ ip: '198.51.100.4' }],
      });
      await world.room.idle();
      for (const from of ['client', 'node'] as const)
        for (const [address, port] of [
          [ADDRESS.node, 30003],
          ['198.51.100.3', 80],
          ['198.51.100.4', 80],
        ] as const)
          assert.deepEqual(serversOf(await many(world, 90, from, address, port)), ALL, `${from} ${address}`);
      assert.equal(translated(world, 'node'), '');
    });

    await t.test(
      'with external policy Local, inside uses all endpoints; internal policy Local only near ones',
      async () => {
        putService(informers, '10.96.0.4', {
          type: 'NodePort',
          externalTrafficPolicy: 'Local',
          internalTrafficPolicy: 'Local',
          ports: [{ name: 'http', port: 80, nodePort: 30004 }],
        });
        await world.room.idle();
        assert.deepEqual(serversOf(await many(world, 90, 'client', ADDRESS.node, 30004)), ALL);
        assert.deepEqual(serversOf(await many(world, 45, 'client', '10.96.0.4', 80)), ['near1:8080', 'near2:8080']);
      },
    );

    await t.test('without endpoints sockets are refused at once; dropped ones are left to the rules', async () => {
      putService(informers, '10.96.0.5', { backends: [] });
      putService(informers, '10.96.0.6', { backends: ['far'], internalTrafficPolicy: 'Local' });
      await world.room.idle();
      for (const from of ['client', 'node'] as const)
        assert.equal(await failure(world, { from, to: ['10.96.0.5', 80], fails: 'refused' }), 'refused');
      assert.equal(await failure(world, { from: 'client', to: ['10.96.0.6', 80], fails: 'silence' }), 'silence');
    });

    await t.test('load-balancer addresses with source ranges are fenced as ever', async () => {
      const options = (range: string) => ({
        type: 'LoadBalancer',
        ingress: [{ ip: '198.51.100.7' }],
        loadBalancerSourceRanges: [range],
      });
      const name = putService(informers, '10.96.0.7', options('192.0.2.0/24'));
      await world.room.idle();
      assert.equal(await failure(world, { from: 'client', to: ['198.51.100.7', 80], fails: 'silence' }), 'silence');
      putService(informers, '10.96.0.7', options(`${ADDRESS.client}/32`), name);
      await world.room.idle();
      assert.ok(ALL.includes((await world.connect('client', '198.51.100.7', 80)).server));
    });

    await t.test('what is no service of ours is not touched', async () => {
      putService(informers, '10.96.0.8', { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } });
      await world.room.idle();
      assert.doesNotMatch(
        await failure(world, { from: 'client', to: ['10.96.0.8', 80], fails: 'silence' }),
        /^answered/,
      );
      assert.equal((await world.connect('client', ADDRESS.near2, 9090)).server, 'near2:9090');
      assert.ok(!world.room.plan().some(({ what }) => what.includes('10.96.0.8')));
    });

    await t.test('an endpoint that goes gets no new connections, one that comes does', async () => {
      const name = putService(informers, '10.96.0.9', { backends: ['near1', 'near2'] });
      await world.room.idle();
      const socket = await connectTcp({ netns: world.netns.client, address: '10.96.0.9', port: 80 });
      await once(socket, 'data');
      putSlice(informers, name, { backends: ['far'] });
      await world.room.idle();
      assert.deepEqual(serversOf(await many(world, 15, 'client', '10.96.0.9', 80)), ['far:8080']);
      socket.write('ping');
      assert.equal(String((await once(socket, 'data'))[0]), 'ping');
      socket.destroy();
      putSlice(informers, name);
      await world.room.idle();
      assert.deepEqual(serversOf(await many(world, 90, 'client', '10.96.0.9', 80)), ALL);
    });

    await t.test('affinity: a client stays, and begins anew when its endpoint goes', async () => {
      const name = putService(informers, '10.96.1.1', affinity(60));
      await world.room.idle();
      const [first = ''] = serversOf(await many(world, 1, 'client', '10.96.1.1', 80));
      assert.deepEqual(serversOf(await many(world, 8, 'client', '10.96.1.1', 80)), [first]);
      const places = ['near1', 'near2', 'far'] as const;
      const others = places.filter((place) => !first.startsWith(place));
      putSlice(informers, name, { backends: others });
      await world.room.idle();
      const [second = ''] = serversOf(await many(world, 10, 'client', '10.96.1.1', 80));
      assert.notEqual(second, first);
      putSlice(informers, name);
      await world.room.idle();
      assert.deepEqual(serversOf(await many(world, 10, 'client', '10.96.1.1', 80)), [second]);
    });

    await t.test('affinity: each connection renews its time, and when that is over a client begins anew', async () => {
      putService(informers, '10.96.1.2', affinity(1));
      await world.room.idle();
      await expires(world, ['client', '10.96.1.2', 80]);
    });

    await t.test('round robin takes one after the other; Maglev gives a client always the same', async () => {
      const balance = (how: string, address: string) => {
        const name = putService(informers, address);
        const service = informers
          .of('Service')
          .list()
          .find(({ metadata }) => metadata?.name === name);
        informers.put('Service', {
          ...service,
          metadata: { ...service?.metadata, annotations: { 'podwire.io/balance': how } },
        });
        return name;
      };
      balance('round-robin', '10.96.2.1');
      const name = balance('maglev', '10.96.2.2');
      await world.room.idle();
      const turns = (await many(world, 9, 'client', '10.96.2.1', 80)).map(({ server }) => server);
      assert.deepEqual(turns.slice(3), [...turns.slice(0, 3), ...turns.slice(0, 3)]);
      assert.equal(new Set(turns).size, 3);
      const [chosen = ''] = serversOf(await many(world, 12, 'client', '10.96.2.2', 80));
      const other = (['near1', 'near2', 'far'] as const).find((place) => !chosen.startsWith(place)) ?? 'far';
      putSlice(informers, name, { backends: (['near1', 'near2', 'far'] as const).filter((p) => p !== other) });
      await world.room.idle();
      const after = serversOf(await many(world, 12, 'client', '10.96.2.2', 80));
      assert.equal(after.length, 1);
    });

    await t.test('a namespace that is not the node’s is left alone until the room is told of it', async () => {
      const before = world.room.status().facts.socketNamespaces;
      world.room.podsChanged();
      assert.equal(world.room.status().facts.socketNamespaces, before);
      assert.equal(before, 4);
    });
  }),
);
