import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putService, putSlice } from '../api-objects.fixture.ts';
import { ADDRESS, type Place, type World, withWorld } from '../world.fixture.ts';

async function serversOf(world: World, count: number, target: readonly [Place, string, number]): Promise<string[]> {
  const servers: string[] = [];
  for (let i = 0; i < count; i++) servers.push((await world.connect(...target)).server.split(':')[0] ?? '');
  return servers;
}
const counts = (servers: readonly string[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(servers, (one) => one)].map(([server, all]) => [server, all.length]));

test('ways to balance (SVC-33), hints and weights, with real packets', { timeout: 600_000 }, (t) =>
  withWorld(async (world) => {
    const { informers } = world;
    const balance = (word: string) => ({ annotations: { 'podwire.io/balance': word } });

    await t.test('round robin: each in its turn', async () => {
      putService(informers, '10.96.0.1', balance('round-robin'));
      await world.room.idle();
      assert.deepEqual(counts(await serversOf(world, 30, ['client', '10.96.0.1', 80])), {
        near1: 10,
        near2: 10,
        far: 10,
      });
    });

    await t.test('source hash: a client has its endpoint, without being remembered', async () => {
      putService(informers, '10.96.0.2', balance('source-hash'));
      await world.room.idle();
      const first = counts(await serversOf(world, 20, ['client', '10.96.0.2', 80]));
      assert.equal(Object.keys(first).length, 1);
      await world.restart();
      assert.deepEqual(counts(await serversOf(world, 20, ['client', '10.96.0.2', 80])), first);
    });

    await t.test('Maglev: connections are spread by a hash of their source', async () => {
      putService(informers, '10.96.0.6', balance('maglev'));
      await world.room.idle();
      assert.deepEqual(world.room.status().errors, []);
      const all = counts(await serversOf(world, 150, ['client', '10.96.0.6', 80]));
      assert.ok(Object.values(all).length === 3 && Math.min(...Object.values(all)) >= 10, JSON.stringify(all));
      assert.match(world.run('node', 'nft', 'list', 'chain', 'ip', 'podwire-services', 'n251-maglev'), /mod 251/);
      assert.deepEqual(await world.room.diff(), []);
    });

    await t.test('what rules cannot do is said, and is random', async () => {
      const name = putService(informers, '10.96.0.3', balance('least-connections'));
      await world.room.idle();
      assert.deepEqual(world.room.status().limits, [
        `Service default/${name}: balance least-connections is not in mode nftables, so it is random; choose another`,
      ]);
      assert.equal(Object.keys(counts(await serversOf(world, 90, ['client', '10.96.0.3', 80]))).length, 3);
      putService(informers, '10.96.0.3', {}, name);
      await world.room.idle();
      assert.deepEqual(world.room.status().limits, []);
    });

    await t.test('weights share connections', async () => {
      const weights = { 'podwire.io/weights': `${ADDRESS.near1}=3, ${ADDRESS.near2}=2` };
      putService(informers, '10.96.0.4', {
        annotations: { ...weights, 'podwire.io/balance': 'round-robin' },
      });
      await world.room.idle();
      assert.deepEqual(counts(await serversOf(world, 30, ['client', '10.96.0.4', 80])), {
        near1: 15,
        near2: 10,
        far: 5,
      });
    });

    await t.test('hints lead to the own zone while it has endpoints (SVC-20)', async () => {
      const node = informers.of('Node').get('node-1');
      assert.ok(node);
      const labels = { 'topology.kubernetes.io/zone': 'a' };
      informers.put('Node', { ...node, metadata: { ...node.metadata, labels } });
      const zone = (name: string) => ({ forZones: [{ name }] });
      const hints = { near1: zone('a'), near2: zone('b'), far: zone('a') };
      const name = putService(informers, '10.96.0.5', { hints });
      await world.room.idle();
      const seen = async () => Object.keys(counts(await serversOf(world, 90, ['client', '10.96.0.5', 80]))).sort();
      assert.deepEqual(await seen(), ['far', 'near1']);
      putSlice(informers, name, { hints: { near1: zone('b'), near2: zone('b'), far: zone('c') } });
      await world.room.idle();
      assert.deepEqual(await seen(), ['far', 'near1', 'near2']);
    });
  }),
);
