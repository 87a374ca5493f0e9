import { execFileSync } from 'node:child_process';
import { createLogger, type Logger } from '@podwire/base';
import { connectTcp, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import type { ClusterConfig, KubeClient, Node, RoomContext } from '@podwire/kube';
import { FakeInformers } from '@podwire/kube/testing';
import { createServicesRoom } from './controller.ts';
import type { ServicesContext, ServicesRoom } from './services-room.ts';
import { ADDRESS, ADDRESS6, type Place } from './world-addresses.fixture.ts';
import { type Answer, serveWorld } from './world-servers.fixture.ts';
import { wireWorld } from './world-wires.fixture.ts';

export * from './world-addresses.fixture.ts';
export type { Answer } from './world-servers.fixture.ts';

/*
 *   client 10.244.1.2 ──┐
 *   near1  10.244.1.5 ──┼── node ── 172.30.0.11/24 ── far 172.30.0.12, pods 10.244.2.7 and (distant) .8
 *   near2  10.244.1.6 ──┘    └── 203.0.113.1/24 ── outside 203.0.113.10
 *
 * Servers are on near1, near2, far, node and outside; far also has those of CROWD, node also another proxy's (OTHER_PROXY).
 */
/** A node with pods, a pod on another node, and the outside, in namespaces; the room runs in the node's. */
export interface World {
  readonly netns: Readonly<Record<Place, Netns>>;
  readonly informers: FakeInformers;
  readonly room: ServicesRoom;
  /** The room of node-2, where far is; only with `secondNode`. */
  readonly second?: ServicesRoom;
  /** Whether the cluster has addresses of both families. */
  readonly dualStack: boolean;
  /** Stops the room as a crash would, and starts another one without memory. */
  restart(): Promise<void>;
  connect(from: Place, address: string, port: number, timeout?: number): Promise<Answer>;
  run(place: Place, command: string, ...args: string[]): string;
}

/** What the room gets that is not the default. */
export interface WorldOptions extends Pick<ServicesContext, 'sockets' | 'rulesetInterval'> {
  readonly proxyMode?: ClusterConfig['proxyMode'];
  readonly runDirectory?: string;
  /** The cluster has addresses of both families. */
  readonly dualStack?: boolean;
  /** Another room serves node-2, in the namespace of far. */
  readonly secondNode?: boolean;
  readonly config?: Partial<ClusterConfig>;
}

export function withWorld(
  fn: (world: World) => Promise<void>,
  options: (netns: World['netns']) => WorldOptions = () => ({}),
): Promise<void> {
  return withNetns(6, async (client, near1, near2, far, node, outside) => {
    const netns = { client, near1, near2, far, distant: far, node2: far, node, outside } as Record<Place, Netns>;
    const run = runIn(netns);
    wireWorld(netns, run);
    const servers = await serveWorld(netns);
    const informers = new FakeInformers();
    for (const one of Object.values(NODES)) informers.put('Node', one);
    const given = options(netns);
    const { dualStack = false, secondNode } = given;
    const room = roomIn(node, informers, given);
    const second = secondNode ? roomIn(far, informers, secondOptions(given), 'node-2') : undefined;
    const world = { netns, informers, run, connect: connectFrom(netns), room, dualStack, ...(second && { second }) };
    try {
      await world.room.start();
      await second?.start();
      await fn(
        Object.assign(world, {
          restart: async () => {
            await world.room.stop();
            world.room = roomIn(node, informers, options(netns));
            await world.room.start();
          },
        }),
      );
    } finally {
      await world.room.stop();
      await second?.stop();
      for (const server of servers) server.close();
    }
  });
}

const runIn =
  (netns: World['netns']): World['run'] =>
  (place, command, ...args) =>
    execFileSync('ip', ['netns', 'exec', netns[place].name ?? '', command, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
    });

/** IPv4 first, which is all there is without `dualStack`. */
export const CLUSTER_RANGES = {
  podCidrs: ['10.244.0.0/16', 'fd00:244::/32'],
  serviceCidrs: ['10.96.0.0/12', 'fd00:96::/112'],
} as const;

const nodeObject = (name: string, place: 'node' | 'node2', n: number): Node => ({
  metadata: { name, labels: { 'topology.kubernetes.io/zone': `zone-${'ab'[n - 1]}` } },
  spec: { podCIDRs: [`10.244.${n}.0/24`, `fd00:244:${n}::/64`] },
  status: { addresses: [ADDRESS, ADDRESS6].map((all) => ({ type: 'InternalIP', address: all[place] })) },
});

/** What the API server says of the nodes, by the place of their host network. */
export const NODES = { node: nodeObject('node-1', 'node', 1), node2: nodeObject('node-2', 'node2', 2) };

const logger: Logger = createLogger({ level: process.env.VERBOSE ? 'debug' : 'error' });

/** Its only pods are in the namespace of node-2 itself. */
function secondOptions({ runDirectory, sockets, ...rest }: WorldOptions): WorldOptions {
  return {
    ...rest,
    ...(runDirectory && { runDirectory: `${runDirectory}-2` }),
    ...(sockets && { sockets: { ...sockets, podNamespaces: () => [] } }),
  };
}

function roomIn(
  netns: Netns,
  informers: FakeInformers,
  options: WorldOptions,
  nodeName = NODES.node.metadata?.name ?? '',
): ServicesRoom {
  // tests that change what the room wrote look at it before it is mended
  const { proxyMode, runDirectory = '/nonexistent', sockets, dualStack, rulesetInterval = 0 } = options;
  const ranges = (list: readonly string[]): readonly string[] => (dualStack ? list : list.slice(0, 1));
  const config = {
    podCidrs: ranges(CLUSTER_RANGES.podCidrs),
    serviceCidrs: ranges(CLUSTER_RANGES.serviceCidrs),
    ...options.config,
    ...(proxyMode && { proxyMode }),
  } as unknown as ClusterConfig;
  const context: RoomContext = {
    nodeName,
    config,
    client: {} as KubeClient,
    informers,
    logger,
    runDirectory,
    stateDirectory: '/nonexistent',
  };
  return createServicesRoom({ ...context, netns, rulesetInterval, ...(sockets && { sockets }) });
}

/** For a connection, in ms; processors stand still for seconds when there are other things to do. */
const ENOUGH = 60_000;

const connectFrom =
  (netns: Record<Place, Netns>): World['connect'] =>
  async (from, address, port, timeout = ENOUGH) => {
    const socket = await connectTcp({
      netns: netns[from],
      address,
      port,
      timeout,
      ...(from === 'distant' && { localAddress: (address.includes(':') ? ADDRESS6 : ADDRESS).distant }),
    });
    try {
      return await new Promise<Answer>((resolve, reject) => {
        socket.once('data', (data) => resolve(JSON.parse(String(data).split('\n', 1)[0] ?? '')));
        socket.once('error', reject).once('close', () => reject(new Error('closed without an answer')));
      });
    } finally {
      socket.destroy();
    }
  };
