import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
): Promise<AgentChild & { readonly cluster: ChildProcess }> {
  const kubeconfig = path.join(newDirectory(t), 'kubeconfig');
  const cluster = start(t, netns, [CLUSTER, kubeconfig, endpoint]);
  await once(cluster.stdout as NodeJS.ReadableStream, 'data');
  const child = launchAgent(t, netns, kubeconfig, flags);
  await until(/^HTTP\/1.1 200 /, () => child.get('/readyz'));
  return { ...child, cluster };
}

/** The same of an API server that is not there; not waited for. */
export function startLonelyAgent(t: TestContext, netns: Netns): AgentChild {
  const kubeconfig = path.join(newDirectory(t), 'kubeconfig');
  const cluster = { name: 'away', cluster: { server: 'http://127.0.0.1:1' } };
  const context = { name: 'away', context: { cluster: 'away', user: 'away' } };
  const users = [{ name: 'away', user: {} }];
  writeFileSync(
    kubeconfig,
    JSON.stringify({ clusters: [cluster], contexts: [context], users, 'current-context': 'away' }),
  );
  return launchAgent(t, netns, kubeconfig, ['--rooms', 'services']);
}

function newDirectory(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-agent-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function launchAgent(t: TestContext, netns: Netns, kubeconfig: string, flags: readonly string[]): AgentChild {
  const directory = path.dirname(kubeconfig);
  const [runDirectory, stateDirectory] = [path.join(directory, 'run'), path.join(directory, 'state')];
  const where = ['--kubeconfig', kubeconfig, '--node', 'node-1', '--run-dir', runDirectory];
  const agent = start(t, netns, [PROGRAM, 'agent', ...where, '--state-dir', stateDirectory, ...flags]);
  const ended = once(agent, 'exit');
  const get = (target: string): Promise<string | undefined> =>
    heard(netns, `127.0.0.1:${METRICS_PORT}`, `GET ${target} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n`);
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
    const socket = await connectTcp({ netns, address, port: Number(port), timeout: 30_000 });
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
