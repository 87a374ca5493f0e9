import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { pidsInNetns } from '@podwire/kernel';
import type { RoomStatus } from '@podwire/kube';
import { openNft } from '@podwire/nft';
import type { World } from '../world.fixture.ts';
import type { AgentSetup } from './agent.fixture.ts';
import { AgentChild } from './agent-child.fixture.ts';
import type { ClusterState } from './cluster-state.fixture.ts';
import type { KernelView } from './kernel-view.fixture.ts';

export interface KillOptions {
  readonly setup: AgentSetup;
  readonly state: ClusterState;
  readonly view: KernelView;
  readonly rounds: number;
  /** Commands that a restarted agent writes although nothing changed: programs it exchanges. */
  readonly adoption?: (status: RoomStatus) => number;
  readonly progress?: (round: number, summary: KillSummary) => void;
}

/** What the kernel was found with after a kill: the state before the transaction, the one after, or parts of both. */
export interface KillSummary {
  old: number;
  new: number;
  mixed: number;
  /** Kills of an agent that had just started. */
  starting: number;
}

/**
 * Again and again: a random transaction, in the middle of which the agent is killed; the kernel has to have the whole old or
 * the whole new state; another agent starts, adopts what is there and writes what is missing, and nothing else.
 */
export async function killRounds(world: World, options: KillOptions): Promise<KillSummary> {
  const { setup, state, view, rounds, progress } = options;
  const summary: KillSummary = { old: 0, new: 0, mixed: 0, starting: 0 };
  const agents = new Agents();
  let agent = agents.next();
  try {
    requireReady(await agent.ask({ setup, changes: state.objects }));
    const took = { change: await timed(() => agent.ask({ changes: state.change() })), start: 50 };
    for (let round = 0; round < rounds; round++) {
      const before = state.model;
      await agent.killDuring({ changes: state.change() }, state.random() * took.change);
      await settled(world);
      if (round % 4 === 3) {
        // the new agent is killed as well, while it adopts
        await agents.next().killDuring({ setup, changes: state.objects }, state.random() * took.start);
        await settled(world);
        summary.starting++;
      }
      const found = await compare(view, before, state.model);
      summary[found]++;
      agent = agents.next();
      took.start = await adopt(world, { agent, found, options });
      took.change = await timed(async () => requireReady(await agent.ask({ changes: state.change() })));
      progress?.(round, summary);
    }
    assert.deepEqual([...(await view.unlike(state.model))], []);
    return summary;
  } finally {
    await agents.end();
  }
}

/** One after the other; two more load their program meanwhile. */
class Agents {
  #last = new AgentChild();
  readonly #spares = [this.#last, new AgentChild(), new AgentChild()];

  next(): AgentChild {
    this.#last = this.#spares.shift() ?? new AgentChild();
    this.#spares.push(new AgentChild());
    return this.#last;
  }

  async end(): Promise<void> {
    for (const one of [this.#last, ...this.#spares]) await one.kill();
  }
}

/** iptables-restore goes on when the agent that started it is killed. */
async function settled({ netns }: World): Promise<void> {
  while (pidsInNetns(netns.node.inode).length > 0) await sleep(1);
}

async function compare(
  view: KernelView,
  before: ClusterState['model'],
  after: ClusterState['model'],
): Promise<'old' | 'new' | 'mixed'> {
  const [old, now] = [await view.unlike(before), await view.unlike(after)];
  if (now.size === 0) return 'new';
  if (old.size === 0) return 'old';
  const neither = [...old.keys()].filter((part) => now.has(part) && !(view.strayed && part.startsWith('map ')));
  const why = neither.map((part) => `${part} is neither old (${old.get(part)}) nor new (${now.get(part)})`);
  assert.deepEqual([...why, ...(view.strayed?.(before, after) ?? [])], []);
  return 'mixed';
}

interface Adoption {
  readonly agent: AgentChild;
  readonly found: 'old' | 'new' | 'mixed';
  readonly options: KillOptions;
}

/** What fits is left as it is, strays go, and what was already new is not written again. Returns how long it took, in ms. */
async function adopt(world: World, { agent, found, options }: Adoption): Promise<number> {
  const { setup, state, view, adoption = () => 0 } = options;
  const before = handles(world);
  await agent.loaded;
  const started = performance.now();
  const status = requireReady(await agent.ask({ setup, changes: state.objects }));
  const took = performance.now() - started;
  if (found === 'new') {
    assert.equal(status.facts.commands, adoption(status), 'a restarted agent writes what is there already');
    assert.deepEqual(handles(world), before);
  }
  for (const [name, handle] of handles(world))
    assert.ok((before.get(name) ?? handle) === handle, `${name} was replaced`);
  assert.deepEqual([...(await view.unlike(state.model))], []);
  return took;
}

/** Chains, sets and rules of our tables with the kernel's handles: who replaces something gives it another. */
function handles(world: World): Map<string, string> {
  const nft = openNft(world.netns.node);
  const present = nft.tables().some(({ family, name }) => family === 'ip' && name === 'podwire-services');
  nft.close();
  const found = new Map<string, string>();
  if (!present) return found;
  let block = '';
  let rule = 0;
  for (const line of world.run('node', 'nft', '-a', '-t', 'list', 'table', 'ip', 'podwire-services').split('\n')) {
    const [, what = '', handle] = /^\s*(.*?) *# handle (\d+)$/.exec(line) ?? [];
    if (handle === undefined) continue;
    if (what.endsWith('{')) [block, rule] = [what, 0];
    found.set(what.endsWith('{') ? block : `${block} ${rule++} ${what}`, handle);
  }
  return found;
}

function requireReady(status: RoomStatus): RoomStatus {
  assert.deepEqual([status.ready, status.errors], [true, []]);
  return status;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
