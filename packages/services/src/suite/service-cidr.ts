import assert from 'node:assert/strict';
import { putService } from '../api-objects.fixture.ts';
import type { World } from '../world.fixture.ts';
import { failure, probe } from './probe.ts';

const RANGES = [
  { cidr: '10.200.0.0/24', used: '10.200.0.1', free: '10.200.0.9' },
  { cidr: 'fd00:200::/112', used: 'fd00:200::1', free: 'fd00:200::9' },
] as const;
const OBJECT = {
  metadata: { name: 'more' },
  spec: { cidrs: RANGES.map(({ cidr }) => cidr) },
};

/** The outside refuses what gets there; what the node drops is silence. */
export async function rangeAtRunTime(world: World): Promise<void> {
  const { informers, room, dualStack } = world;
  const ranges = dualStack ? RANGES : RANGES.slice(0, 1);
  const whatComesOf = async (fails: 'refused' | 'silence'): Promise<string[]> => {
    const outcomes: string[] = [];
    for (const { free } of ranges)
      for (const from of ['client', 'node'] as const)
        outcomes.push(await failure(world, { from, to: [free, 80], fails }));
    return outcomes;
  };
  for (const { free } of ranges) world.run('outside', 'ip', 'addr', 'add', free, 'dev', 'lo');
  assert.deepEqual(await whatComesOf('refused'), Array(2 * ranges.length).fill('refused'));
  informers.put('ServiceCIDR', OBJECT);
  for (const { used } of ranges) {
    const addressType = used.includes(':') ? 'IPv6' : 'IPv4';
    putService(informers, used, { backends: ['near1'], addressType });
  }
  await room.idle();
  assert.deepEqual(await whatComesOf('silence'), Array(2 * ranges.length).fill('silence'));
  for (const { used } of ranges) {
    await probe(world, { from: 'client', to: [used, 80], servers: ['near1:8080'] });
    assert.equal(await failure(world, { from: 'client', to: [used, 81], fails: 'refused' }), 'refused');
  }
  informers.remove('ServiceCIDR', OBJECT);
  await room.idle();
  assert.deepEqual(await whatComesOf('refused'), Array(2 * ranges.length).fill('refused'));
  for (const { free } of ranges) world.run('outside', 'ip', 'addr', 'del', free, 'dev', 'lo');
}
