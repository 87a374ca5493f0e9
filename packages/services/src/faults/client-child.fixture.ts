import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place, World } from '../world.fixture.ts';
import type { ClientCounts } from './client.fixture.ts';
import { SynCounts } from './syn-counts.fixture.ts';

const PROGRAM = path.join(import.meta.dirname, 'client.fixture.ts');
const PLACES = ['client', 'node', 'outside'] as const satisfies readonly Place[];

/** A client in a process of its own, so that it connects while the thread of the test is at work. */
class ClientChild {
  readonly #child: ChildProcess;

  constructor({ netns }: World, place: Place, address: string, port: number) {
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM];
    const args = ['netns', 'exec', netns[place].name ?? '', ...node, address, String(port)];
    this.#child = spawn('ip', args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  }

  async counts(): Promise<ClientCounts> {
    const answer = once(this.#child, 'message');
    this.#child.send('counts');
    return (await answer)[0] as ClientCounts;
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** Resolves when every client has made another connection than the one that is under way now. */
export type Connected = () => Promise<void>;

/**
 * Connects to a service from a pod, the node and the outside while `fn` runs, without a pause that counts; fails when one
 * connection was refused or closed, or one SYN got lost. Returns what was seen, for people.
 */
export async function whileClientsConnect(
  world: World,
  address: string,
  fn: (connected: Connected) => Promise<void>,
): Promise<string> {
  const syns = new SynCounts(world);
  const counts = await countsWhile(world, address, fn);
  assert.deepEqual(
    counts.map(({ failures }) => failures),
    PLACES.map(() => ({})),
  );
  await syns.assertNoneLost();
  return `connections: ${counts.map(({ answered }, i) => `${answered} from ${PLACES[i]}`).join(', ')}`;
}

async function countsWhile(
  world: World,
  address: string,
  fn: (connected: Connected) => Promise<void>,
): Promise<ClientCounts[]> {
  const clients = PLACES.map((place) => new ClientChild(world, place, address, 80));
  try {
    const connected = () => allConnected(clients);
    await connected();
    await fn(connected);
    await connected();
    return await Promise.all(clients.map((client) => client.counts()));
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function allConnected(clients: readonly ClientChild[]): Promise<void> {
  for (const client of clients) {
    const { answered } = await client.counts();
    // the one that is under way, and one more
    while ((await client.counts()).answered < answered + 2) await sleep(5);
  }
}
