import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { createLogger, hostPrefix, type IpAddress, parsePrefix } from '@podwire/base';
import { createNetns, deleteNetns, listNetns, type Netns, openNetns } from '@podwire/kernel';
import {
  createInformers,
  type Informers,
  type KubeClient,
  type Pod,
  type PodStreams,
  parseClusterConfig,
} from '@podwire/kube';
import { openNet } from '@podwire/net';
import { type Players, startPlayers } from '../players/players.ts';
import type { Cni } from './cni.ts';
import { createPodRuntime, type PodRuntime } from './pod-runtime.ts';
import { createPodStreams } from './pod-streams.ts';

const NODE = 'node-1';
export const NODE_ADDRESS = '172.31.0.1';

export interface TestNode {
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly runtime: PodRuntime;
  readonly players: Players;
  readonly streams: PodStreams;
  readonly netns: Netns;
  readonly log: readonly string[];
  /** The runtime's; each pod has one in it, named by its uid. */
  readonly directory: string;
  /** Sandboxes that exist now. */
  sandboxes(): string[];
  /** Creates the pod on the node, in default. */
  run(name: string, spec: Pod['spec'], metadata?: Pod['metadata']): Promise<Pod>;
  /** Waits for a state of the pod; undefined while it does not exist. */
  until(name: string, test: (pod: Pod) => boolean): Promise<Pod>;
  gone(name: string): Promise<void>;
}

const WAIT = 120_000;

const CLUSTER = {
  serviceCidrs: [parsePrefix('10.96.0.0/12')],
  nodePortRange: [30000, 32767] as const,
  advertise: { address: NODE_ADDRESS, port: 6443 },
};

const NODE_OPTIONS = { nodeName: NODE, nodeAddress: NODE_ADDRESS, zone: 'zone-1', config: parseClusterConfig({}) };

/** A node in a namespace of its own, with an API server in memory and a CNI plugin of veths. Cleans up after the test. */
export async function startNode(t: TestContext): Promise<TestNode> {
  const suffix = randomBytes(3).toString('hex');
  const netns = createNetns(`pwt-${suffix}-node`);
  const prefix = `pwt-${suffix}-pod`;
  const sandboxes = (): string[] => listNetns().filter((name) => name.startsWith(prefix));
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-runtime-'));
  const log: string[] = [];
  const logger = createLogger({ write: (line) => log.push(line) });
  const server = await startApiServer(CLUSTER);
  const client = server.client();
  const informers = createInformers(client);
  const players = await startPlayers({ logger });
  const runtime = await createPodRuntime({
    ...NODE_OPTIONS,
    ...{ nodeNetns: netns, client, informers, players, logger, directory },
    cni: vethCni(netns, suffix),
    claims: path.join(directory, 'claims'),
    netnsPrefix: prefix,
    credentials: server,
  });
  t.after(async () => {
    await runtime.stop();
    await players.stop();
    informers.stop();
    await server.close();
    netns.close();
    for (const name of [...sandboxes(), `pwt-${suffix}-node`]) deleteNetns(name);
    await rm(directory, { recursive: true, force: true });
  });
  await runtime.start();
  const streams = createPodStreams(new Map([[NODE, runtime]]), () => informers);
  const made = { client, informers, runtime, players, streams, netns, log, directory, sandboxes };
  return { ...made, ...podActs(client, informers) };
}

function podActs(client: KubeClient, informers: Informers): Pick<TestNode, 'run' | 'until' | 'gone'> {
  return {
    until: (name, test) => waitFor(informers, name, test),
    run: (name, spec, metadata) =>
      client.create('Pod', {
        metadata: { name, namespace: 'default', ...metadata },
        spec: { nodeName: NODE, containers: [], ...spec },
      }),
    gone: async (name) => {
      const deadline = Date.now() + WAIT;
      while (informers.of('Pod').get(name, 'default')) {
        if (Date.now() > deadline) throw new Error(`pod ${name} is still there`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}

function waitFor(informers: Informers, name: string, test: (pod: Pod) => boolean): Promise<Pod> {
  return new Promise((resolve, reject) => {
    let latest: Pod | undefined;
    let stop = (): void => {};
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`pod ${name} does not get there: ${JSON.stringify(latest?.status)}`));
    }, WAIT);
    // Replayed events come during subscribe(), before it has returned.
    queueMicrotask(() => {
      stop = informers.of('Pod').subscribe(({ type, object }) => {
        if (object.metadata?.name !== name || type === 'deleted') return;
        latest = object;
        if (!test(object)) return;
        clearTimeout(timer);
        queueMicrotask(() => stop());
        resolve(object);
      });
    });
  });
}

/** Point-to-point veths with addresses from 10.244.77.0/24; as little as probes and tests need. */
function vethCni(node: Netns, suffix: string): Cni {
  const net = openNet(node);
  net.addAddress({ link: 'lo', address: NODE_ADDRESS as IpAddress, prefixLength: 32 });
  let last = 1;
  const names = new Map<string, string>();
  return {
    add: async ({ containerId, netns, ifName }) => {
      const address = `10.244.77.${++last}` as IpAddress;
      const name = `t${suffix}${last}`;
      names.set(containerId, name);
      const pod = openNetns(netns);
      const inside = openNet(pod);
      net.createVeth({ name, peer: { name: ifName, netns: pod } });
      net.setLink(name, { up: true });
      inside.setLink(ifName, { up: true });
      inside.addAddress({ link: ifName, address, prefixLength: 32 });
      inside.applyRoutes({ add: [{ destination: parsePrefix('0.0.0.0/0'), link: ifName }], remove: [] });
      net.applyRoutes({ add: [{ destination: hostPrefix(address), link: name }], remove: [] });
      inside.close();
      pod.close();
      return { ips: [address] };
    },
    del: async ({ containerId }) => void net.deleteLink(names.get(containerId) ?? ''),
  };
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}
