import assert from 'node:assert/strict';
import { once } from 'node:events';
import type net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTcp } from '@podwire/kernel';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { whileClientsConnect } from '../faults/client-child.fixture.ts';
import { failure, probe } from '../suite/probe.ts';
import { ADDRESS, ADDRESS6, type Place, type World, withWorld } from '../world.fixture.ts';
import { until } from './relay.fixture.ts';

const BACKENDS = ['near1', 'near2', 'far'] as const;
const mode = () => ({ proxyMode: 'userspace' }) as const;
const fact = (world: World, name: string): number => Number(world.room.status().facts[name]);

async function serversOf(world: World, count: number, from: Place, address: string, port: number): Promise<string[]> {
  const servers: string[] = [];
  for (let i = 0; i < count; i++) servers.push((await world.connect(from, address, port)).server.split(':')[0] ?? '');
  return servers;
}

async function open(world: World, address: string): Promise<{ echo(): Promise<void>; socket: net.Socket }> {
  const socket = await connectTcp({ netns: world.netns.client, address, port: 80 });
  await once(socket, 'data');
  return {
    socket,
    async echo() {
      socket.write('ping');
      assert.equal(String((await once(socket, 'data'))[0]), 'ping');
    },
  };
}

test('mode userspace on a node', { timeout: 600_000 }, (t) =>
  withWorld(async (world) => {
    const { informers, room } = world;

    await t.test('round robin is exact, wherever the clients are and by which address they come', async () => {
      putService(informers, '10.96.2.1', {
        type: 'NodePort',
        ports: [{ name: 'http', protocol: 'TCP', port: 80, nodePort: 30_201 }],
      });
      await room.idle();
      const servers: string[] = [];
      for (let i = 0; i < 10; i++) {
        for (const from of ['client', 'node', 'near1'] as const)
          servers.push(...(await serversOf(world, 1, from, '10.96.2.1', 80)));
        servers.push(...(await serversOf(world, 2, 'outside', ADDRESS.node, 30_201)));
      }
      const counts = BACKENDS.map((place) => servers.filter((one) => one === place).length);
      assert.deepEqual(counts.sort(), [16, 17, 17]);
      for (let i = 3; i < servers.length; i++) assert.equal(servers[i], servers[i - 3]);
    });

    await t.test('an endpoint that refuses or is silent is passed over (SVC-33)', async () => {
      const name = putService(informers, '10.96.2.2', { backends: ['near1'], targetPort: 7 });
      putSlice(informers, name, { backends: ['near2'] }, `${name}-2`);
      await room.idle();
      const before = fact(world, 'retries');
      for (let i = 0; i < 4; i++)
        await probe(world, { from: 'client', to: ['10.96.2.2', 80], servers: ['near2:8080'], sources: [ADDRESS.node] });
      assert.equal(fact(world, 'retries') - before, 2);
      world.run('near1', 'nft', 'add table ip t { chain i { type filter hook input priority 0; tcp dport 7 drop; }; }');
      const started = performance.now();
      for (let i = 0; i < 4; i++)
        await probe(world, { from: 'client', to: ['10.96.2.2', 80], servers: ['near2:8080'] });
      const took = performance.now() - started;
      assert.ok(took >= 480, `${took} ms for two silent ones`);
      world.run('near1', 'nft', 'delete', 'table', 'ip', 't');
    });

    await t.test('when no endpoint answers, the client is reset', async () => {
      putService(informers, '10.96.2.3', { backends: ['near1', 'near2'], targetPort: 7 });
      await room.idle();
      const before = fact(world, 'unanswered');
      await assert.rejects(world.connect('client', '10.96.2.3', 80), /ECONNRESET|closed/);
      assert.equal(fact(world, 'unanswered') - before, 1);
    });

    await t.test('a service that leads to itself is not relayed for ever', async () => {
      const name = putService(informers, '10.96.2.4', { backends: [] });
      informers.put('EndpointSlice', {
        metadata: { namespace: 'default', name: `${name}-self`, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
        endpoints: [{ addresses: ['10.96.2.4'], conditions: { ready: true } }],
      });
      await room.idle();
      await assert.rejects(world.connect('client', '10.96.2.4', 80), /ECONNRESET|closed/);
      // those of the tests before end by and by
      await until(() => fact(world, 'connections') < 3);
    });

    await t.test('a listener is no address of its service: only what was captured may come there', async () => {
      const rules = world.run('node', 'nft', 'list', 'map', 'ip', 'podwire-userspace', 'svc');
      const port = Number(/10\.96\.2\.1 \. tcp \. 80 : 172\.30\.0\.11 \. (\d+)/.exec(rules)?.[1]);
      assert.ok(port > 1024, rules);
      for (const from of ['outside', 'client', 'node'] as const)
        assert.equal(await failure(world, { from, to: [ADDRESS.node, port] }), 'refused', from);
    });

    await t.test('SCTP is refused, and status says so', async () => {
      putService(informers, '10.96.2.5', { ports: [{ name: 'sctp', protocol: 'SCTP', port: 99 }] }, 'sctp');
      informers.put('EndpointSlice', {
        metadata: { namespace: 'default', name: 'sctp', labels: { 'kubernetes.io/service-name': 'sctp' } },
        addressType: 'IPv4',
        ports: [{ name: 'sctp', protocol: 'SCTP', port: 99 }],
        endpoints: [{ addresses: [ADDRESS.near1], conditions: { ready: true } }],
      });
      await room.idle();
      assert.deepEqual(room.status().limits, [
        'Service default/sctp port 99: mode userspace cannot relay SCTP and refuses it; choose another mode',
      ]);
      assert.ok(room.plan().some(({ what }) => what === 'cluster IP 10.96.2.5 sctp 99 is refused: not relayed'));
      informers.remove('Service', { metadata: { namespace: 'default', name: 'sctp' } });
      await room.idle();
      assert.deepEqual(room.status().limits, []);
    });

    await t.test('an open connection outlives its endpoint, its service, and changes of others (SVC-26)', async () => {
      const name = putService(informers, '10.96.2.6', { backends: ['near1'] });
      await room.idle();
      const { echo, socket } = await open(world, '10.96.2.6');
      putSlice(informers, name, { backends: ['near2'] });
      await room.idle();
      await echo();
      assert.equal((await world.connect('client', '10.96.2.6', 80)).server, 'near2:8080');
      putService(informers, '10.96.2.7');
      informers.remove('Service', { metadata: { namespace: 'default', name } });
      await room.idle();
      await echo();
      assert.equal(await failure(world, { from: 'client', to: ['10.96.2.6', 80], fails: 'silence' }), 'silence');
      await echo();
      socket.destroy();
    });

    await t.test('modes are switched, and connections of either go on (SVC-32)', async () => {
      const relayed = await open(world, '10.96.2.1');
      await room.setMode('nftables');
      assert.equal(world.run('node', 'nft', 'list', 'tables').trim(), 'table ip podwire-services');
      await relayed.echo();
      await probe(world, { from: 'client', to: ['10.96.2.1', 80], sources: [ADDRESS.client] });
      const translated = await open(world, '10.96.2.1');
      await room.setMode('userspace');
      assert.equal(world.run('node', 'nft', 'list', 'tables').trim(), 'table ip podwire-userspace');
      await probe(world, { from: 'client', to: ['10.96.2.1', 80], sources: [ADDRESS.node] });
      for (const { echo, socket } of [relayed, translated]) {
        await echo();
        socket.destroy();
      }
    });

    await t.test('none is refused, and no SYN is lost, while modes are switched', async () => {
      const seen = await whileClientsConnect(world, '10.96.2.1', async (connected) => {
        for (const next of ['nftables', 'userspace', 'nftables', 'userspace'] as const) {
          await room.setMode(next);
          await connected();
        }
      });
      t.diagnostic(seen);
    });

    await t.test('200 services: a change is a few commands, and what others break is mended (SVC-31)', async () => {
      const before = fact(world, 'listeners');
      const started = performance.now();
      for (let i = 0; i < 200; i++) putService(informers, `10.96.3.${i}`, {}, `many-${i}`);
      await room.idle();
      const cold = performance.now() - started;
      assert.equal(fact(world, 'listeners') - before, 400);
      assert.deepEqual((await serversOf(world, 3, 'client', '10.96.3.199', 80)).sort(), ['far', 'near1', 'near2']);
      // changes are collected for a while after a long pass
      await sleep(300);
      putSlice(informers, 'many-7', { backends: ['near1'] });
      const changed = performance.now();
      await room.idle();
      t.diagnostic(
        `200 services in ${cold.toFixed(0)} ms, one change in ${(performance.now() - changed).toFixed(1)} ms`,
      );
      // the listeners stay where they are, so the kernel has nothing to learn
      assert.equal(fact(world, 'commands'), 0);
      assert.deepEqual(await serversOf(world, 2, 'client', '10.96.3.7', 80), ['near1', 'near1']);
      assert.deepEqual(await room.diff(), []);
      world.run('node', 'nft', 'flush', 'map', 'ip', 'podwire-userspace', 'svc');
      assert.ok((await room.diff()).length >= 400);
      assert.deepEqual(await room.resync(), { kind: 'done' });
      assert.deepEqual(await room.diff(), []);
      for (let i = 0; i < 200; i++)
        informers.remove('Service', { metadata: { namespace: 'default', name: `many-${i}` } });
      await room.idle();
      assert.equal(fact(world, 'listeners'), before);
    });

    await t.test('a restarted room takes over; while it is away, service addresses refuse', async () => {
      await world.room.stop();
      assert.equal(await failure(world, { from: 'client', to: ['10.96.2.1', 80] }), 'refused');
      await world.restart();
      assert.equal((await serversOf(world, 3, 'client', '10.96.2.1', 80)).length, 3);
      assert.deepEqual(await world.room.diff(), []);
      await world.room.cleanup();
      assert.equal(world.run('node', 'nft', 'list', 'tables').trim(), '');
    });
  }, mode),
);

test('mode userspace relays both families', { timeout: 600_000 }, () =>
  withWorld(
    async (world) => {
      const clusterIPs = ['10.96.0.1', 'fd00:96::1'];
      const name = putService(world.informers, '10.96.0.1', { clusterIPs, backends: ['near1', 'far'] });
      putSlice(world.informers, name, { addressType: 'IPv6', backends: ['near2', 'far'] }, `${name}-6`);
      await world.room.idle();
      assert.deepEqual(world.room.status().errors, []);
      for (const from of ['client', 'node', 'outside'] as const) {
        const to = (address: string) => ({ from, to: [address, 80], times: 4 }) as const;
        await probe(world, { ...to('10.96.0.1'), servers: ['near1:8080', 'far:8080'], sources: [ADDRESS.node] });
        await probe(world, { ...to('fd00:96::1'), servers: ['near2:8080', 'far:8080'], sources: [ADDRESS6.node] });
      }
      for (const port of [80, 53]) {
        putSlice(world.informers, name, { addressType: 'IPv6', backends: [] }, `${name}-6`);
        await world.room.idle();
        assert.equal(await failure(world, { from: 'client', to: ['fd00:96::1', port] }), 'refused');
      }
    },
    () => ({ proxyMode: 'userspace', dualStack: true }),
  ),
);
