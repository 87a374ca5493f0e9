/**
 * The API server of G23 with its writers, and what comes of it: what it holds in memory, how many writes it would take, how
 * late the watch hears of them, and how quickly 10,000 pods are listed next to JSON.stringify of them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { startApiServer } from '../packages/apiserver/src/index.ts';
import { API_SERVER_NODE_FLAGS } from '../packages/apiserver/src/node-flags.ts';
import { parsePrefix } from '../packages/base/src/index.ts';
import type { KubeClient } from '../packages/kube/src/index.ts';
import { end, messageFrom } from './child.ts';
import { printParts } from './part.ts';
import { clusterNode, lease, pod, podStatus, service } from './scale-objects.ts';
import type { Deliveries } from './scale-watcher.ts';
import { median, spread } from './turns.ts';

const NODES = 5000;
const PODS = 150_000;
const SERVICES = 10_000;
const RATE = 5000;
const SECONDS = 20;
const MOST_SECONDS = 10;
/** Twice what is due in 5 ms. */
const AT_ONCE = (2 * RATE * 5) / 1000;
const ROUNDS = 7;
const LISTED = 10_000;
const ALLOWED = { residentMiB: 1536, lateMs: 20 } as const;

async function fill(client: KubeClient): Promise<void> {
  await client.create('Namespace', { metadata: { name: 'listed' } });
  for (let i = 0; i < NODES; i++) {
    await client.create('Node', clusterNode(i));
    await client.create('Lease', lease(i));
  }
  for (let i = 0; i < SERVICES; i++) await client.create('Service', service(i));
  for (let i = 0; i < PODS; i++) {
    await client.create('Pod', pod(i, i < LISTED ? 'listed' : 'default', NODES));
    await writeStatus(client, i, 0);
    if (i % 500 === 0) await sleep(0);
  }
}

function writeStatus(client: KubeClient, i: number, round: number): Promise<unknown> {
  const key = { namespace: i < LISTED ? 'listed' : 'default', name: `pod-${i}` };
  return client.patch(
    'Pod',
    key,
    { status: podStatus(i, round, performance.timeOrigin + performance.now()) },
    { subresource: 'status' },
  );
}

let written = 0;

/** Nine statuses of pods to each renewal of a Lease. */
function write(client: KubeClient): Promise<unknown> {
  const i = written++;
  if (i % 10 === 0) {
    const name = `node-${i % NODES}`;
    const patch = { spec: { renewTime: new Date().toISOString().replace('Z', '000Z') } };
    return client.patch('Lease', { namespace: 'kube-node-lease', name }, patch);
  }
  return writeStatus(client, (i * 7919) % PODS, i);
}

/**
 * As many writes a second as asked for, in steps of 5 ms; resolves with the seconds that took. What could not be written in
 * time is made up for in turns, as writers over a network would have to.
 */
async function writeAt(client: KubeClient, rate: number, seconds: number): Promise<number> {
  const from = performance.now();
  let sent = 0;
  while (sent < rate * seconds) {
    const due = Math.min(((performance.now() - from) / 1000) * rate, rate * seconds);
    const now = Math.min(due, sent + AT_ONCE);
    const writes: Promise<unknown>[] = [];
    for (; sent < now; sent++) writes.push(write(client));
    await Promise.all(writes);
    await (sent < due ? setImmediate() : sleep(5));
  }
  return (performance.now() - from) / 1000;
}

/** Writes one after another for a while, with turns for the sockets; how many. */
async function writeFor(client: KubeClient, seconds: number): Promise<number> {
  const from = performance.now();
  let count = 0;
  while (performance.now() - from < seconds * 1000) {
    for (let i = 0; i < 50; i++, count++) await write(client);
    await sleep(0);
  }
  return count;
}

/** A turn of the lister, in ms. */
function turn(lister: ChildProcess, name: 'list' | 'text'): Promise<number> {
  const done = messageFrom<number>(lister);
  lister.send(name);
  return done;
}

/** What the watcher has seen, once it is everything. */
async function deliveries(watcher: ChildProcess, expected: number): Promise<Deliveries> {
  for (let tries = 0; ; tries++) {
    const report = messageFrom<Deliveries>(watcher);
    watcher.send('report');
    const seen = await report;
    if (seen.events >= expected) return seen;
    if (tries === 60) throw new Error(`only ${seen.events} of ${expected} events arrived`);
    await sleep(500);
  }
}

/** With Node as it is. */
function forkClient(program: string, args: readonly string[]): ChildProcess {
  const execArgv = process.execArgv.filter((flag) => !API_SERVER_NODE_FLAGS.includes(flag));
  return fork(path.join(import.meta.dirname, program), args, { execArgv });
}

function resident(): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}

const directory = mkdtempSync(path.join(os.tmpdir(), 'podwire-bench-'));
const socketPath = path.join(directory, 'api');
const server = await startApiServer({ serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
const client = server.client();
try {
  await server.listenUnix(socketPath);
  await fill(client);
  const watcher = forkClient('scale-watcher.ts', [socketPath]);
  await messageFrom(watcher);
  await writeAt(client, RATE / 5, 3); // warm
  watcher.send('reset');
  const before = process.cpuUsage();
  const took = await writeAt(client, RATE, SECONDS);
  const { user, system } = process.cpuUsage(before);
  const { events, p50, p99 } = await deliveries(watcher, RATE * SECONDS);
  const held = resident();
  const count = await writeFor(client, MOST_SECONDS);
  const most = count / MOST_SECONDS;
  await deliveries(watcher, RATE * SECONDS + count); // or lists would share the time with what is late
  const lister = forkClient('scale-lister.ts', [socketPath, '/api/v1/namespaces/listed/pods']);
  const listed = await messageFrom<number>(lister);
  const [lists, texts]: [number[], number[]] = [[], []];
  for (let i = 0; i < ROUNDS; i++) {
    lists.push(await turn(lister, 'list'));
    texts.push(await turn(lister, 'text'));
  }
  await end(lister);
  await end(watcher);
  const rate = (RATE * SECONDS) / took;
  printParts('g23', [
    {
      name: 'writes',
      ratio: Math.min(most, rate >= RATE * 0.98 ? most : rate) / RATE,
      must: 1,
      stretch: 2,
      detail: `${rate.toFixed(0)} a second for ${SECONDS} s as asked for, ${most.toFixed(0)} a second at most, ${((user + system) / RATE / SECONDS).toFixed(0)} us of CPU each; ${RATE} must be`,
    },
    {
      name: 'delivery',
      ratio: ALLOWED.lateMs / p99,
      must: 1,
      stretch: 4,
      detail: `${ALLOWED.lateMs} ms allowed; ${p99.toFixed(1)} ms p99, ${p50.toFixed(1)} ms p50 of ${events} events at ${RATE} writes a second`,
    },
    {
      name: 'memory',
      ratio: ALLOWED.residentMiB / held,
      must: 1,
      stretch: 2,
      detail: `${ALLOWED.residentMiB} MiB allowed; ${held.toFixed(0)} MiB`,
    },
    {
      name: 'list',
      ratio: median(texts.map((ms, i) => ms / (lists[i] ?? Number.NaN))),
      must: 1,
      stretch: 2,
      detail: `${listed} pods: ${spread(lists, 'ms', 0)} over a unix socket, JSON.stringify ${spread(texts, 'ms', 0)}`,
    },
  ]);
} finally {
  await server.close();
  rmSync(directory, { recursive: true });
}
