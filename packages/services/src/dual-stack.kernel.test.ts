import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PodwireError } from '@podwire/base';
import { bindUdp } from '@podwire/kernel';
import { putService, putSlice } from './api-objects.fixture.ts';
import { ADDRESS, ADDRESS6, type Answer, type Place, type World, withWorld } from './world.fixture.ts';

async function many(world: World, count: number, target: readonly [Place, string, number]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i++) answers.push(await world.connect(...target));
  return answers;
}
const servers = (answers: readonly Answer[]): string[] => [...new Set(answers.map(({ server }) => server))].sort();
const sources = (answers: readonly Answer[]): string[] => [...new Set(answers.map(({ source }) => source))].sort();

async function failure(world: World, from: Place, address: string, port: number): Promise<unknown> {
  try {
    return `answered by ${(await world.connect(from, address, port, 400)).server}`;
  } catch (error) {
    return error instanceof PodwireError ? error.details.errnoName : error;
  }
}

/** With slices of both families. */
function putDual(world: World, last: number, options: Parameters<typeof putService>[2] = {}): string {
  const clusterIPs = [`10.96.0.${last}`, `fd00:96::${last}`];
  const name = putService(world.informers, `10.96.0.${last}`, { clusterIPs, ...options });
  putSlice(world.informers, name, { ...options, addressType: 'IPv6' }, `${name}-6`);
  return name;
}

test('services of both families, with real packets', { timeout: 120_000 }, (t) =>
  withWorld(
    async (world) => {
      const { informers } = world;

      await t.test('each family has its endpoints (SVC-27), and pods keep their source (SVC-8)', async () => {
        putDual(world, 1);
        await world.room.idle();
        assert.deepEqual(world.room.status().errors, []);
        for (const [address, source] of [
          ['10.96.0.1', ADDRESS.client],
          ['fd00:96::1', ADDRESS6.client],
        ] as const) {
          const answers = await many(world, 60, ['client', address, 80]);
          assert.deepEqual(servers(answers), ['far:8080', 'near1:8080', 'near2:8080'], address);
          assert.deepEqual(sources(answers), [source], address);
        }
      });

      await t.test('the node and the outside reach a cluster IP, masqueraded', async () => {
        assert.deepEqual(sources(await many(world, 20, ['node', 'fd00:96::1', 80])), [ADDRESS6.node]);
        assert.deepEqual(sources(await many(world, 20, ['outside', 'fd00:96::1', 80])), [ADDRESS6.node]);
      });

      await t.test('a pod reaches itself through its own service (SVC-7)', async () => {
        putDual(world, 2, { backends: ['near1'] });
        await world.room.idle();
        assert.deepEqual(await world.connect('near1', 'fd00:96::2', 80), {
          server: 'near1:8080',
          source: ADDRESS6.node,
        });
        assert.deepEqual(await world.connect('near2', 'fd00:96::2', 80), {
          server: 'near1:8080',
          source: ADDRESS6.near2,
        });
      });

      await t.test('node port, external and load-balancer IP (SVC-9, SVC-11, SVC-12)', async () => {
        putDual(world, 3, {
          type: 'LoadBalancer',
          externalIPs: ['2001:db8:1::3'],
          ports: [{ name: 'http', port: 80, nodePort: 30003 }],
          ingress: [{ ip: '2001:db8:1::4' }],
        });
        await world.room.idle();
        for (const [address, port] of [
          [ADDRESS.node, 30003],
          [ADDRESS6.node, 30003],
          ['2001:db8:1::3', 80],
          ['2001:db8:1::4', 80],
        ] as const) {
          const answers = await many(world, 40, ['outside', address, port]);
          assert.deepEqual(servers(answers), ['far:8080', 'near1:8080', 'near2:8080'], address);
          assert.deepEqual(sources(answers), [address.includes(':') ? ADDRESS6.node : ADDRESS.node], address);
        }
      });

      await t.test(
        'external policy Local keeps the client (SVC-13); source ranges are per family (SVC-17)',
        async () => {
          putDual(world, 4, {
            type: 'LoadBalancer',
            externalTrafficPolicy: 'Local',
            loadBalancerSourceRanges: ['2001:db8::/64'],
            ports: [{ name: 'http', port: 80, nodePort: 30004 }],
            ingress: [{ ip: '2001:db8:1::5' }, { ip: '198.51.100.5' }],
          });
          await world.room.idle();
          const answers = await many(world, 30, ['outside', '2001:db8:1::5', 80]);
          assert.deepEqual(servers(answers), ['near1:8080', 'near2:8080']);
          assert.deepEqual(sources(answers), [ADDRESS6.outside]);
          assert.equal(await failure(world, 'client', '2001:db8:1::5', 80), 'ETIMEDOUT');
          assert.equal(await failure(world, 'outside', '198.51.100.5', 80), 'ETIMEDOUT');
        },
      );

      await t.test(
        'no endpoint of a family: refused there; nobody has the address: silence (SVC-4, SVC-6)',
        async () => {
          const name = putDual(world, 5);
          putSlice(informers, name, { backends: [], addressType: 'IPv6' }, `${name}-6`);
          await world.room.idle();
          for (const from of ['client', 'node', 'outside'] as const) {
            assert.equal(await failure(world, from, 'fd00:96::5', 80), 'ECONNREFUSED', from);
            assert.equal(await failure(world, from, 'fd00:96::1', 81), 'ECONNREFUSED', from);
            assert.equal(await failure(world, from, 'fd00:96::77', 80), 'ETIMEDOUT', from);
            assert.match(String(await failure(world, from, '10.96.0.5', 80)), /^answered/);
          }
        },
      );

      await t.test('affinity (SVC-19)', async () => {
        putDual(world, 6, { sessionAffinity: 'ClientIP' });
        await world.room.idle();
        assert.equal(servers(await many(world, 15, ['client', 'fd00:96::6', 80])).length, 1);
      });

      await t.test('a UDP client moves when its endpoint goes (SVC-25)', async () => {
        const name = putDual(world, 7, { backends: ['near1'] });
        await world.room.idle();
        const client = await bindUdp({ netns: world.netns.client, address: ADDRESS6.client, port: 40_000 });
        const answers: string[] = [];
        client.on('message', (data) => answers.push(JSON.parse(String(data)).server)).on('error', () => {});
        const ask = async (): Promise<string | undefined> => {
          for (let i = 0; i < 10 && answers.length === 0; i++) {
            client.send('?', 53, 'fd00:96::7');
            await sleep(20);
          }
          return answers.splice(0)[0];
        };
        try {
          assert.equal(await ask(), 'near1');
          putSlice(informers, name, { backends: ['near2'], addressType: 'IPv6' }, `${name}-6`);
          await world.room.idle();
          answers.length = 0;
          assert.equal(await ask(), 'near2');
        } finally {
          client.close();
        }
      });

      await t.test('one table per family, both in step, both adopted and both removed', async () => {
        const tables = (): string[] => world.run('node', 'nft', 'list', 'tables').trim().split('\n');
        assert.deepEqual(tables(), ['table ip podwire-services', 'table ip6 podwire-services']);
        assert.deepEqual(await world.room.diff(), []);
        await world.restart();
        assert.equal(world.room.status().facts.commands, 0);
        world.run('node', 'nft', 'flush', 'table', 'ip6', 'podwire-services');
        await world.room.resync();
        assert.equal((await world.connect('client', 'fd00:96::2', 80)).server, 'near1:8080');
        await world.room.cleanup();
        assert.deepEqual(tables(), ['']);
      });
    },
    () => ({ dualStack: true }),
  ),
);
