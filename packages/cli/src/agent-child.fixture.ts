import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AGENT_NODE_FLAGS } from '@podwire/agent';
import { connectTcp, type Netns, spawnIn } from '@podwire/kernel';

const PROGRAM = path.join(import.meta.dirname, '../bin/podwire.ts');
const CLUSTER = path.join(import.meta.dirname, 'agent-cluster.fixture.ts');
const METRICS_PORT = 10249;
const DEADLINE = 120_000;

/** `podwire agent` and the API server of its cluster, in one namespace. */
export interface AgentChild {
  readonly agent: ChildProcess;
  readonly runDirectory: string;
  /** What the agent's port of metrics answers; undefined: nobody is there. */
  get(target: string): Promise<string | undefined>;
  /** Sends SIGTERM; resolves with exit code and signal. */
  end(): Promise<unknown>;
}

/** Processes end, and files go, with the test. Resolves when the agent is ready. */
export async function startAgentChild(
  t: TestContext,
  netns: Netns,
  { endpoint, flags = [] }: { readonly endpoint: string; readonly flags?: readonly string[] },
): Promise<AgentChild> {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-agent-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const [kubeconfig, runDirectory] = [path.join(directory, 'kubeconfig'), path.join(directory, 'run')];
  const cluster = start(t, netns, [CLUSTER, kubeconfig, endpoint]);
  await once(cluster.stdout as NodeJS.ReadableStream, 'data');
  const where = ['--kubeconfig', kubeconfig, '--node', 'node-1', '--run-dir', runDirectory];
  const agent = start(t, netns, [PROGRAM, 'agent', ...where, '--state-dir', path.join(directory, 'state'), ...flags]);
  const ended = once(agent, 'exit');
  const get = (target: string): Promise<string | undefined> =>
    heard(netns, `127.0.0.1:${METRICS_PORT}`, `GET ${target} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n`);
  await until(/^HTTP\/1.1 200 /, () => get('/readyz'));
  return {
    agent,
    runDirectory,
    get,
    end: () => {
      agent.kill('SIGTERM');
      return ended;
    },
  };
}

function start(t: TestContext, netns: Netns, args: readonly string[]): ChildProcess {
  const flags = ['--disable-warning=ExperimentalWarning', ...AGENT_NODE_FLAGS];
  const child = spawnIn({ netns }, process.execPath, [...flags, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** All that is said on a connection until it ends; undefined when there is none. */
export async function heard(netns: Netns, place: string, request = ''): Promise<string | undefined> {
  const [address = '', port] = place.split(':');
  let text = '';
  try {
    const socket = await connectTcp({ netns, address, port: Number(port), timeout: 5000 });
    socket.write(request);
    for await (const chunk of socket) text += chunk;
  } catch {
    return undefined;
  }
  return text;
}

/** Until the answer is like that. */
export async function until(what: RegExp, ask: () => Promise<string | undefined>): Promise<void> {
  let last: string | undefined;
  for (const end = Date.now() + DEADLINE; Date.now() < end; await sleep(100)) {
    last = await ask();
    if (last !== undefined && what.test(last)) return;
  }
  assert.fail(`not within ${DEADLINE / 1000} s: ${what}; last: ${last}`);
}
