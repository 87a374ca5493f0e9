import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probe } from '@podwire/kernel/probe';
import { putService } from '../api-objects.fixture.ts';
import { ADDRESS, type Answer, type World, withWorld } from '../world.fixture.ts';
import { withSocketPlace } from './socket-place.fixture.ts';

const PROBES = ['bpf-cgroup-connect4', 'bpf-cgroup-link', 'bpf-get-netns-cookie', 'bpf-map-batch', 'bpf-lru'] as const;
const lacking = PROBES.find((name) => probe(name).outcome !== 'yes');
const skip = lacking && `probe ${lacking}: ${probe(lacking).reason}`;

const withSocketWorld = (fn: (world: World) => Promise<void>): Promise<void> =>
  withSocketPlace((place) =>
    withWorld(fn, ({ client, near1, near2 }) => ({
      proxyMode: 'ebpf',
      runDirectory: place.runDirectory,
      sockets: {
        cgroup: place.cgroup,
        bpffs: place.bpffs,
        podNamespaces: () => [client, near1, near2].map((netns) => netns.path),
      },
    })).catch((error) => {
      throw error;
    }),
  );

async function many(world: World, count: number, ...target: Parameters<World['connect']>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i++) answers.push(await world.connect(...target));
  return answers;
}
const tally = (answers: readonly Answer[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(answers, (answer) => answer.server)].map(([server, all]) => [server, all.length]));

test('sockets get endpoints', { skip: skip ?? false, timeout: 120_000 }, (t) =>
  withSocketWorld(async (world) => {
    const { informers } = world;

    await t.test('a cluster IP spreads connections equally', async () => {
      putService(informers, '10.96.0.1');
      await world.room.idle();
      console.log(world.room.status());
      const counts = tally(await many(world, 150, 'client', '10.96.0.1', 80));
      assert.deepEqual(Object.keys(counts).sort(), ['far:8080', 'near1:8080', 'near2:8080']);
      assert.ok(Math.min(...Object.values(counts)) >= 25, JSON.stringify(counts));
      console.log(world.run('client', 'conntrack', '-L'), world.run('node', 'conntrack', '-L', '--any-nat'));
      assert.equal(ADDRESS.client, '10.244.1.2');
    });
    await world.room.cleanup();
  }),
);
