import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PodwireError } from '@podwire/base';
import { bindUdp, connectTcp } from '@podwire/kernel';
import { putService, putSlice } from '../api-objects.fixture.ts';
import type { EndpointModel, ServiceModel } from '../model.ts';
import { ADDRESS, type Answer, type Place, type World } from '../world.fixture.ts';
import { NodeNamespaces } from './namespaces.ts';
import { findPlace } from './place.ts';
import { SocketPlan } from './plan.ts';
import { SocketHooks } from './socket-hooks.ts';
import { SocketMaps } from './socket-maps.ts';
import { lackingSocketProbe, withSocketWorld } from './socket-world.fixture.ts';

const skip = lackingSocketProbe();

async function many(world: World, count: number, ...target: Parameters<World['connect']>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i++) answers.push(await world.connect(...target));
  return answers;
}
const serversOf = (answers: readonly Answer[]): string[] => [...new Set(answers.map(({ server }) => server))].sort();
const sourcesOf = (answers: readonly Answer[]): string[] => [...new Set(answers.map(({ source }) => source))].sort();
const ALL = ['far:8080', 'near1:8080', 'near2:8080'];

async function failure(world: World, from: Place, address: string, port: number): Promise<string> {
  try {
    return `answered by ${(await world.connect(from, address, port, 400)).server}`;
  } catch (error) {
    return String(error instanceof PodwireError ? error.details.errnoName : error);
  }
}

/** Tracked connections of a namespace that are translated. */
const translated = (world: World, place: Place): string => world.run(place, 'conntrack', '-L', '--any-nat');

const affinity = (timeoutSeconds: number) => ({
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds } },
});

test('sockets of the node and its pods get endpoints', { skip, timeout: 120_000 }, (t) =>
  withSocketWorld('ebpf', async (world) => {
    const { informers } = world;

    await t.test('a cluster IP spreads connections equally, keeps the source, and nothing is translated', async () => {
      putService(informers, '10.96.0.1');
      await world.room.idle();
      const answers = await many(world, 150, 'client', '10.96.0.1', 80);
      assert.deepEqual(serversOf(answers), ALL);
      const counts = [...Map.groupBy(answers, ({ server }) => server).values()].map((all) => all.length);
      // 150 draws of 1/3: less than 25 has a probability below 1e-5
      assert.ok(Math.min(...counts) >= 25, counts.join());
      assert.deepEqual(sourcesOf(answers), [ADDRESS.client]);
      assert.equal(translated(world, 'client') + translated(world, 'node'), '');
      const fromNode = await many(world, 40, 'node', '10.96.0.1', 80);
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
          assert.deepEqual(serversOf(await many(world, 30, from, address, port)), ALL, `${from} ${address}`);
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
        assert.deepEqual(serversOf(await many(world, 30, 'client', ADDRESS.node, 30004)), ALL);
        assert.deepEqual(serversOf(await many(world, 30, 'client', '10.96.0.4', 80)), ['near1:8080', 'near2:8080']);
      },
    );

    await t.test('without endpoints sockets are refused at once; dropped ones are left to the rules', async () => {
      putService(informers, '10.96.0.5', { backends: [] });
      putService(informers, '10.96.0.6', { backends: ['far'], internalTrafficPolicy: 'Local' });
      await world.room.idle();
      for (const from of ['client', 'node'] as const)
        assert.equal(await failure(world, from, '10.96.0.5', 80), 'ECONNREFUSED');
      assert.equal(await failure(world, 'client', '10.96.0.6', 80), 'ETIMEDOUT');
    });

    await t.test('load-balancer addresses with source ranges are fenced as ever', async () => {
      const options = (range: string) => ({
        type: 'LoadBalancer',
        ingress: [{ ip: '198.51.100.7' }],
        loadBalancerSourceRanges: [range],
      });
      const name = putService(informers, '10.96.0.7', options('192.0.2.0/24'));
      await world.room.idle();
      assert.equal(await failure(world, 'client', '198.51.100.7', 80), 'ETIMEDOUT');
      putService(informers, '10.96.0.7', options(`${ADDRESS.client}/32`), name);
      await world.room.idle();
      assert.ok(ALL.includes((await world.connect('client', '198.51.100.7', 80)).server));
    });

    await t.test('what is no service of ours is not touched', async () => {
      putService(informers, '10.96.0.8', { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } });
      await world.room.idle();
      assert.notEqual(await failure(world, 'client', '10.96.0.8', 80), 'answered by near1:8080');
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
      assert.deepEqual(serversOf(await many(world, 40, 'client', '10.96.0.9', 80)), ALL);
    });

    await t.test(
      'affinity: a client stays, begins anew when its endpoint goes, and when its time is over',
      async () => {
        const name = putService(informers, '10.96.1.1', affinity(1));
        await world.room.idle();
        const [first = ''] = serversOf(await many(world, 1, 'client', '10.96.1.1', 80));
        for (let i = 0; i < 3; i++) {
          await sleep(500);
          assert.deepEqual(serversOf(await many(world, 8, 'client', '10.96.1.1', 80)), [first]);
        }
        const places = ['near1', 'near2', 'far'] as const;
        const others = places.filter((place) => !first.startsWith(place));
        putSlice(informers, name, { backends: others });
        await world.room.idle();
        const [second = ''] = serversOf(await many(world, 10, 'client', '10.96.1.1', 80));
        assert.notEqual(second, first);
        putSlice(informers, name);
        await world.room.idle();
        assert.deepEqual(serversOf(await many(world, 10, 'client', '10.96.1.1', 80)), [second]);
        const later = new Set<string>();
        for (let i = 0; i < 12 && later.size < 2; i++) {
          await sleep(1050);
          later.add((await world.connect('client', '10.96.1.1', 80)).server);
        }
        assert.ok(later.size > 1);
      },
    );

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

test('datagrams', { skip, timeout: 60_000 }, (t) =>
  withSocketWorld('ebpf', async (world) => {
    const { informers } = world;
    const name = putService(informers, '10.96.3.1');
    await world.room.idle();

    const open = async () => {
      const socket = await bindUdp({ netns: world.netns.client, address: ADDRESS.client, port: 0 });
      const ask = async (address = '10.96.3.1') => {
        socket.send('?', 53, address);
        const [data, from] = await once(socket, 'message', { signal: AbortSignal.timeout(2000) });
        return { ...JSON.parse(String(data)), from: `${from.address}:${from.port}` };
      };
      return { socket, ask };
    };

    await t.test('answers seem to come from the service, and one socket stays with its endpoint', async () => {
      const servers = new Set<string>();
      for (let i = 0; i < 25; i++) {
        const { socket, ask } = await open();
        const first = await ask();
        assert.deepEqual([first.from, first.source], ['10.96.3.1:53', ADDRESS.client]);
        for (let j = 0; j < 4; j++) assert.equal((await ask()).server, first.server);
        servers.add(first.server);
        socket.close();
      }
      assert.deepEqual([...servers].sort(), ['far', 'near1', 'near2']);
      assert.equal(translated(world, 'node') + translated(world, 'client'), '');
    });

    await t.test('a socket may talk to two services with the same endpoint', async () => {
      putService(informers, '10.96.3.2', { backends: ['near1'] });
      putService(informers, '10.96.3.3', { backends: ['near2'] });
      await world.room.idle();
      const { socket, ask } = await open();
      for (const address of ['10.96.3.2', '10.96.3.3', '10.96.3.2'])
        assert.equal((await ask(address)).from, `${address}:53`);
      socket.close();
    });

    await t.test(
      'a socket moves when its endpoint goes, is refused when there is none, and goes on (SVC-25)',
      async () => {
        const { socket, ask } = await open();
        const first = await ask();
        putSlice(informers, name, { backends: first.server === 'near1' ? ['near2'] : ['near1'] });
        await world.room.idle();
        assert.notEqual((await ask()).server, first.server);
        putSlice(informers, name, { backends: [] });
        await world.room.idle();
        const refused = new Promise((resolve) => socket.send('?', 53, '10.96.3.1', resolve));
        assert.equal(((await refused) as NodeJS.ErrnoException | null)?.code, 'ECONNREFUSED');
        putSlice(informers, name, { backends: ['far'] });
        await world.room.idle();
        assert.equal((await ask()).server, 'far');
        socket.close();
      },
    );

    await t.test('a connected socket is led once, and shows the service', async () => {
      const socket = await bindUdp({ netns: world.netns.client, address: ADDRESS.client, port: 0 });
      socket.connect(53, '10.96.3.1');
      await once(socket, 'connect');
      assert.deepEqual([socket.remoteAddress().address, socket.remoteAddress().port], ['10.96.3.1', 53]);
      socket.send('?');
      const [data, from] = await once(socket, 'message', { signal: AbortSignal.timeout(2000) });
      assert.deepEqual([JSON.parse(String(data)).server, from.address, from.port], ['far', '10.96.3.1', 53]);
      socket.close();
    });
  }),
);

test('what is in the kernel outlives the room', { skip, timeout: 60_000 }, (t) =>
  withSocketWorld('ebpf', async (world, { bpffs }) => {
    const { informers } = world;
    const name = putService(informers, '10.96.4.1', affinity(60));
    await world.room.idle();
    const pins = (): string[] =>
      fs.readdirSync(`${bpffs}/podwire`).flatMap((node) => fs.readdirSync(`${bpffs}/podwire/${node}`));

    await t.test('after its end programs and maps go on without it and without the rules', async () => {
      const { server } = await world.connect('client', '10.96.4.1', 80);
      await world.room.stop();
      world.run('node', 'nft', 'delete', 'table', 'ip', 'podwire-services');
      assert.deepEqual(serversOf(await many(world, 8, 'client', '10.96.4.1', 80)), [server]);
      await world.restart();
      assert.deepEqual(serversOf(await many(world, 8, 'client', '10.96.4.1', 80)), [server]);
    });

    await t.test('a restarted room writes no element, and changes made meanwhile', async () => {
      await world.restart();
      const programs = 9;
      assert.equal(world.room.status().facts.commands, programs);
      await world.room.stop();
      putSlice(informers, name, { backends: ['far'] });
      await world.restart();
      assert.deepEqual(serversOf(await many(world, 8, 'client', '10.96.4.1', 80)), ['far:8080']);
    });

    await t.test('what others take away is noticed and mended', async () => {
      assert.deepEqual(await world.room.diff(), []);
      for (const node of fs.readdirSync(`${bpffs}/podwire`)) fs.unlinkSync(`${bpffs}/podwire/${node}/link-connect4`);
      assert.match((await world.room.diff()).map(({ what }) => what).join(), /connect4: not attached/);
      assert.deepEqual(await world.room.resync(), { kind: 'done' });
      assert.deepEqual(await world.room.diff(), []);
      assert.equal((await world.connect('client', '10.96.4.1', 80)).server, 'far:8080');
    });

    await t.test('cleanup leaves nothing', async () => {
      assert.ok(pins().includes('link-connect4') && pins().includes('services'), pins().join());
      await world.room.cleanup();
      assert.equal(fs.existsSync(`${bpffs}/podwire`), false);
      assert.equal(world.run('node', 'nft', 'list', 'tables'), '');
      assert.notEqual(await failure(world, 'client', '10.96.4.1', 80), 'answered by far:8080');
    });
  }),
);

test('from mode nftables to ebpf and back, with a connection going on', { skip, timeout: 60_000 }, () =>
  withSocketWorld('nftables', async (world, { bpffs }) => {
    putService(world.informers, '10.96.5.1');
    await world.room.idle();
    const sockets: Awaited<ReturnType<typeof connectTcp>>[] = [];
    const open = async (): Promise<void> => {
      const socket = await connectTcp({ netns: world.netns.client, address: '10.96.5.1', port: 80 });
      await once(socket, 'data');
      sockets.push(socket);
    };
    const echo = async (): Promise<void> => {
      for (const socket of sockets) {
        socket.write('ping');
        assert.equal(String((await once(socket, 'data'))[0]), 'ping');
      }
    };
    await open();
    await world.room.setMode('ebpf');
    assert.equal(world.room.status().facts.mode, 'ebpf');
    world.run('node', 'nft', 'list', 'table', 'ip', 'podwire-services');
    await open();
    await echo();
    assert.equal(translated(world, 'node').trim().split('\n').length, 1);
    await world.room.setMode('nftables');
    await open();
    await echo();
    assert.equal(fs.existsSync(`${bpffs}/podwire`), false);
    assert.equal(translated(world, 'node').trim().split('\n').length, 2);
    for (const socket of sockets) socket.destroy();
  }),
);

test('without a bpf file system the programs end with the room, and it says so', { skip, timeout: 60_000 }, () =>
  withSocketWorld(
    'ebpf',
    async (world) => {
      putService(world.informers, '10.96.6.1');
      await world.room.idle();
      assert.match(world.room.status().errors.join(), /no bpf file system is mounted/);
      const connected = async () => {
        const socket = await connectTcp({ netns: world.netns.client, address: '10.96.6.1', port: 80 });
        await once(socket, 'data');
        socket.destroy();
        return translated(world, 'node') === '' ? 'by the socket' : 'by the rules';
      };
      assert.equal(await connected(), 'by the socket');
      await world.room.stop();
      assert.equal(await connected(), 'by the rules');
    },
    { pinned: false },
  ),
);

test(
  'the last of ten thousand services is reached, and one change writes its elements only',
  { skip, timeout: 60_000 },
  () =>
    withSocketWorld('nftables', async (world, place) => {
      const { near1, client } = world.netns;
      const endpoints = [5, 6].map((last) => ({
        address: `10.244.1.${last}`,
        port: 8080,
        ready: true,
        fallback: false,
        local: true,
        maybeLocal: true,
      })) as unknown as readonly EndpointModel[];
      const serviceOf = (i: number, count = 2) =>
        ({
          ...{
            namespace: 'default',
            name: `s${i}`,
            clusterAddresses: [`10.97.${i >> 8}.${i & 255}`],
            externalAddresses: [],
          },
          ...{ loadBalancerAddresses: [], affinitySeconds: 0, internalLocal: false, externalLocal: false },
          ports: [{ name: '', protocol: 'tcp', port: 80, endpoints: endpoints.slice(0, count) }],
        }) as unknown as ServiceModel;
      const services = new Map(Array.from({ length: 10_000 }, (_, i) => [`default/s${i}`, serviceOf(i)]));
      const node = { name: 'n', addresses: [], nodePortAddresses: [], podCidrs: [] };
      const view = { cluster: { podCidrs: [], serviceCidrs: [] }, node, services, foreign: new Map() };
      const where = findPlace(place, place.runDirectory);
      const plan = new SocketPlan();
      const maps = new SocketMaps(where.pins);
      const hooks = new SocketHooks(where, maps);
      try {
        assert.equal(maps.write(plan.update(view, 'all')), 30_000);
        new NodeNamespaces({ netns: client }, maps).refresh();
        hooks.attach(true);
        const socket = await connectTcp({ netns: client, address: '10.97.39.15', port: 80 });
        assert.equal(socket.remoteAddress, '10.97.39.15');
        socket.destroy();
        assert.equal(maps.mend(plan.entries), 0);
        services.set('default/s9999', serviceOf(9999, 1));
        assert.equal(maps.write(plan.update(view, new Set(['default/s9999']))), 2);
        services.delete('default/s9999');
        assert.equal(maps.write(plan.update(view, new Set(['default/s9999']))), 2);
        assert.deepEqual(maps.drift(plan.entries), []);
        await assert.rejects(connectTcp({ netns: near1, address: '10.97.0.1', port: 80, timeout: 200 }));
      } finally {
        hooks.detach();
        hooks.close();
        maps.close();
      }
    }),
);
