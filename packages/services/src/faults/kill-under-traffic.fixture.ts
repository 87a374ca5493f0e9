import assert from 'node:assert/strict';
import { ADDRESS, type World } from '../world.fixture.ts';
import type { AgentSetup } from './agent.fixture.ts';
import { ClusterState } from './cluster-state.fixture.ts';
import type { KernelView } from './kernel-view.fixture.ts';
import { type KillOptions, killRounds } from './kill-rounds.fixture.ts';
import { SteadyTraffic } from './steady-traffic.fixture.ts';

const STEADY = ['10.96.200.1', '10.96.200.2', '10.96.200.3'];

export interface KillsUnderTraffic extends Omit<KillOptions, 'state' | 'setup' | 'view'> {
  readonly seed: number;
  readonly setup: Omit<AgentSetup, 'netns'>;
  readonly view: KernelView;
}

/** Kills agents in the place of the world's room, while clients use services that no transaction touches. Returns what was seen. */
export async function killUnderTraffic(
  world: World,
  { seed, setup, view, ...options }: KillsUnderTraffic,
): Promise<string> {
  const [node] = world.informers.of('Node').list();
  assert.ok(node);
  await world.room.stop();
  const state = new ClusterState(node, seed);
  for (const address of STEADY) state.addSteady(address, [ADDRESS.near1, ADDRESS.near2, ADDRESS.far]);
  const all = { ...options, state, view, setup: { netns: world.netns.node.path, ...setup } };
  try {
    await killRounds(world, { ...all, rounds: 0 });
    const traffic = await new SteadyTraffic(world, STEADY).start();
    const summary = await killRounds(world, all).finally(async () => assert.deepEqual(await traffic.stop(), []));
    assert.ok(traffic.connects > options.rounds);
    return `${JSON.stringify(summary)}; ${traffic.summary}`;
  } finally {
    view.close();
  }
}
