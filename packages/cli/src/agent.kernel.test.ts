import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AGENT_NODE_FLAGS } from '@podwire/agent';
import { connectTcp, listenTcp, type Netns, spawnIn } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';

const PROGRAM = path.join(import.meta.dirname, '../bin/podwire.ts');
const CLUSTER = path.join(import.meta.dirname, 'agent-cluster.fixture.ts');
const ENDPOINT = '10.244.0.5';
const METRICS_PORT = 10249;
const DEADLINE = 120_000;

/** Node in the namespace; it ends with the test. */
function start(t: TestContext, netns: Netns, args: readonly string[]): ChildProcess {
  const flags = ['--disable-warning=ExperimentalWarning', ...AGENT_NODE_FLAGS];
  const child = spawnIn({ netns }, process.execPath, [...flags, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** All that is said on a connection until it ends; undefined when there is none. */
async function heard(netns: Netns, address: string, port: number, request = ''): Promise<string | undefined> {
  let text = '';
  try {
    const socket = await connectTcp({ netns, address, port, timeout: 5000 });
    socket.write(request);
    for await (const chunk of socket) text += chunk;
  } catch {
    return undefined;
  }
  return text;
}

const get = (netns: Netns, target: string): Promise<string | undefined> =>
  heard(netns, '127.0.0.1', METRICS_PORT, `GET ${target} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n`);

/** Until the answer is like that. */
async function until(what: RegExp, ask: () => Promise<string | undefined>): Promise<void> {
  let last: string | undefined;
  for (const end = Date.now() + DEADLINE; Date.now() < end; await sleep(100)) {
    last = await ask();
    if (last !== undefined && what.test(last)) return;
  }
  assert.fail(`not within ${DEADLINE / 1000} s: ${what}; last: ${last}`);
}

test('a node of a cluster: Services work, health and metrics are served, SIGTERM leaves the rules', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-agent-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  await withNetns(1, async (netns) => {
    netns.run(() => {
      execFileSync('ip', ['addr', 'add', `${ENDPOINT}/32`, 'dev', 'lo']);
      execFileSync('ip', ['route', 'add', 'default', 'dev', 'lo']);
    });
    const server = await listenTcp({ netns, address: '0.0.0.0', port: 8080 });
    server.on('connection', (socket) => socket.on('error', () => {}).end('the endpoint'));
    const kubeconfig = path.join(directory, 'kubeconfig');
    const cluster = start(t, netns, [CLUSTER, kubeconfig, ENDPOINT]);
    await once(cluster.stdout as NodeJS.ReadableStream, 'data');

    const directories = ['--run-dir', path.join(directory, 'run'), '--state-dir', path.join(directory, 'state')];
    const where = ['--kubeconfig', kubeconfig, '--node', 'node-1', '--rooms', 'services', ...directories];
    const agent = start(t, netns, [PROGRAM, 'agent', ...where]);
    const ended = once(agent, 'exit');
    await until(/^HTTP\/1.1 200 /, () => get(netns, '/readyz'));
    await until(/^the endpoint$/, () => heard(netns, '10.96.0.80', 80));
    await until(/^podwire_room_ready\{room="services"\} 1$/m, () => get(netns, '/metrics'));

    agent.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    assert.equal(await get(netns, '/livez'), undefined);
    assert.equal(await heard(netns, '10.96.0.80', 80), 'the endpoint');
    cluster.stdin?.end();
    await once(cluster, 'exit');
    server.close();
  });
});
