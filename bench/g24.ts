/**
 * G24, footprint of the services room: an agent process of its own with 10,000 Services of two endpoints each, listed and
 * watched from an API server in another process; what it holds in memory, what it uses when nothing happens, and how long it
 * takes from its start until the last Service answers, against `iptables-legacy-restore` of the same and the start of Node.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiServer, startApiServer } from '../packages/apiserver/src/index.ts';
import { parsePrefix } from '../packages/base/src/index.ts';
import type { KubeClient } from '../packages/kube/src/index.ts';
import { end, forkAgent, messageFrom, runInside } from './child.ts';
import { iptablesShape } from './kube-proxy-shape.ts';
import { printParts } from './part.ts';
import { type ServiceNode, withServiceNode } from './service-node.ts';
import { NODE, serviceObject, sliceObject } from './service-objects.ts';
import { inTurn, median, milliseconds, ratios, spread } from './turns.ts';

const SERVICES = 10_000;
const ROUNDS = 5;
/** Longer than the interval at which the room looks for drift, in ms. */
const IDLE = 65_000;
/** V8 collects and gives memory back about ten seconds after the last work: some 0.2 s, once, which is no idling, in ms. */
const SETTLE = 15_000;
const ALLOWED = { residentMiB: 110, idlePercent: 0.2 } as const;
const TICKS_PER_SECOND = 100;

async function fill(client: KubeClient): Promise<void> {
  await client.create('Node', NODE);
  for (let i = 0; i < SERVICES; i++) {
    await client.create('Service', serviceObject(i));
    await client.create('EndpointSlice', sliceObject(i));
  }
}

/** An agent that is in force; it ends when the bench does. */
async function startAgent({ netns }: ServiceNode, directory: string): Promise<ChildProcess> {
  const env = { ...process.env, NODE_COMPILE_CACHE: path.join(directory, 'compiled') };
  const agent = forkAgent('footprint-agent.ts', [netns.path, path.join(directory, 'api')], env);
  await messageFrom(agent);
  return agent;
}

function status(pid: number | undefined, field: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
}

/** User and system time so far, in seconds; proc_pid_stat(5). */
function cpuSeconds(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

interface Footprint {
  readonly resident: number;
  readonly peak: number;
  readonly idlePercent: number;
}

async function footprint(directory: string): Promise<Footprint> {
  return withServiceNode(async (node) => {
    const agent = await startAgent(node, directory);
    await node.connect(SERVICES - 1);
    await sleep(SETTLE);
    const before = cpuSeconds(agent.pid);
    await sleep(IDLE);
    const idlePercent = ((cpuSeconds(agent.pid) - before) / IDLE) * 1e5;
    const result = { resident: status(agent.pid, 'VmRSS'), peak: status(agent.pid, 'VmHWM'), idlePercent };
    await node.connect(SERVICES >> 1);
    await end(agent);
    return result;
  });
}

/** From the start of the process until the last Service answers, in ms; and `node -e 0` of this Node, in the same turns. */
function starts(directory: string): Promise<Readonly<Record<'ours' | 'peer' | 'node', readonly number[]>>> {
  const text = iptablesShape(SERVICES);
  const timed = (begin: (node: ServiceNode) => Promise<() => Promise<void>>) => () =>
    withServiceNode(async (node) => {
      let finish = async (): Promise<void> => {};
      const took = await milliseconds(async () => {
        finish = await begin(node);
        await node.connect(SERVICES - 1);
      });
      await finish();
      await sleep(1000); // the kernel takes the namespace apart in the background
      return took;
    });
  return inTurn(ROUNDS, {
    ours: timed(async (node) => {
      const agent = await startAgent(node, directory);
      return () => end(agent);
    }),
    peer: timed(async ({ netns }) => {
      runInside(netns, 'iptables-legacy-restore', [], text);
      return async () => {};
    }),
    node: () => milliseconds(() => execFileSync(process.execPath, ['-e', '0'])),
  });
}

const directory = mkdtempSync(path.join(os.tmpdir(), 'podwire-bench-'));
const server: ApiServer = await startApiServer({
  serviceCidrs: [parsePrefix('10.96.0.0/12')],
  nodePortRange: [30000, 32767],
});
try {
  await server.listenUnix(path.join(directory, 'api'));
  await fill(server.client());
  await withServiceNode(async (node) => end(await startAgent(node, directory))); // which fills the compile cache
  const { resident, peak, idlePercent } = await footprint(directory);
  const { ours, peer, node } = await starts(directory);
  const pairs = ratios(
    peer.map((ms, i) => ms + (node[i] ?? Number.NaN)),
    ours,
  );
  printParts('g24', [
    {
      name: 'resident',
      ratio: ALLOWED.residentMiB / resident,
      must: 1,
      stretch: 1.2,
      detail: `${ALLOWED.residentMiB} MiB allowed; ${resident.toFixed(0)} MiB after ${(SETTLE + IDLE) / 1000} s, at most ${peak.toFixed(0)} MiB before`,
    },
    {
      name: 'idle',
      ratio: ALLOWED.idlePercent / Math.max(idlePercent, 0.001),
      must: 1,
      stretch: 2,
      detail: `${ALLOWED.idlePercent} % of a core allowed; ${idlePercent.toFixed(3)} % over ${IDLE / 1000} s`,
    },
    {
      name: 'start',
      ratio: median(pairs),
      must: 2,
      stretch: 3.3,
      detail: `${ROUNDS} pairs: ours ${spread(ours, 'ms', 0)} from the API server to the last answer, iptables-legacy-restore ${spread(peer, 'ms', 0)} and ${spread(node, 'ms', 0)} for a Node to start`,
    },
  ]);
} finally {
  await server.close();
  rmSync(directory, { recursive: true });
}
