import { execFileSync } from 'node:child_process';
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { createLogger, type Logger } from '@podwire/base';
import { bindUdp, connectTcp, listenTcp, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import type { ClusterConfig, KubeClient, Node, RoomContext } from '@podwire/kube';
import { FakeInformers } from '@podwire/kube/testing';
import { createServicesRoom } from './controller.ts';
import { serveSctp } from './sctp.fixture.ts';
import type { ServicesContext, ServicesRoom } from './services-room.ts';

/*
 *   client 10.244.1.2 ──┐
 *   near1  10.244.1.5 ──┼── node ── 172.30.0.11/24 ── far 172.30.0.12, pods 10.244.2.7 and (distant) .8
 *   near2  10.244.1.6 ──┘    └── 203.0.113.1/24 ── outside 203.0.113.10
 *
 * Servers are on near1, near2, far, node and outside; far also has those of CROWD, node also another proxy's (OTHER_PROXY).
 */
export const ADDRESS = {
  client: '10.244.1.2',
  near1: '10.244.1.5',
  near2: '10.244.1.6',
  far: '10.244.2.7',
  /** A client beside far. */
  distant: '10.244.2.8',
  node: '172.30.0.11',
  /** The host network of far. */
  node2: '172.30.0.12',
  outside: '203.0.113.10',
} as const;
export type Place = keyof typeof ADDRESS;
/** The same places by IPv6. */
export const ADDRESS6: Readonly<Record<Place, string>> = {
  client: 'fd00:244:1::2',
  near1: 'fd00:244:1::5',
  near2: 'fd00:244:1::6',
  far: 'fd00:244:2::7',
  distant: 'fd00:244:2::8',
  node: 'fd00:30::11',
  node2: 'fd00:30::12',
  outside: '2001:db8::10',
};
const PODS = ['client', 'near1', 'near2'] as const;
export const TCP_PORTS = [8080, 9090] as const;
export const UDP_PORT = 5353;
export const SCTP_PORT = 5555;
/** Addresses of node on its link to the outside. */
export const UPLINK = { ipv4: '203.0.113.1', ipv6: '2001:db8::1' } as const;
/** Where servers are. */
export type ServerPlace = Exclude<Place, 'client' | 'distant' | 'node2'>;
export const SERVERS = ['near1', 'near2', 'far', 'node', 'outside'] as const satisfies readonly ServerPlace[];
/** Every one of these addresses beside far answers at TCP port 8081, as `crowd/ADDRESS`. */
export const CROWD = { ipv4: '10.244.4.0/22', ipv6: 'fd00:244:4::/64', port: 8081 } as const;
/** Service addresses that somebody else serves on node and on outside, at TCP port 80, as `other`. */
export const OTHER_PROXY = {
  node: { ipv4: '10.96.255.1', ipv6: 'fd00:96::ffff' },
  outside: { ipv4: '10.96.255.2', ipv6: 'fd00:96::fffe' },
} as const;

export interface Answer {
  /** Who answered. */
  readonly server: string;
  /** The source address it saw. */
  readonly source: string;
}

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
    const run: World['run'] = (place, command, ...args) =>
      execFileSync('ip', ['netns', 'exec', netns[place].name ?? '', command, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        maxBuffer: 1 << 28,
      });
    wire(netns, run);
    const servers = await serve(netns);
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

function wire(netns: Record<Place, Netns>, run: World['run']): void {
  const ip = (place: Place, line: string): string => run(place, 'ip', ...line.split(' '));
  const cable = (place: Place, name: string): void => {
    ip('node', `link add ${name} type veth peer name eth0 netns ${netns[place].name}`);
    ip('node', `link set ${name} address ee:ee:ee:ee:ee:ee up`);
    ip(place, 'link set eth0 up');
  };
  const settings = {
    ip_forward: 1,
    // cases ask to be refused more often than a client in earnest would
    icmp_ratelimit: 0,
    icmp_msgs_per_sec: 1_000_000,
    icmp_msgs_burst: 10_000,
    'conf/all/rp_filter': 0,
    'conf/default/rp_filter': 0,
    'conf/all/send_redirects': 0,
    'conf/default/send_redirects': 0,
  };
  for (const host of ['node', 'node2'] as const) {
    for (const [key, value] of Object.entries(settings)) run(host, 'sysctl', '-qw', `net/ipv4/${key}=${value}`);
    run(host, 'sysctl', '-qw', 'net/ipv6/conf/all/forwarding=1', 'net/ipv6/icmp/ratelimit=0');
  }
  for (const pod of PODS) {
    cable(pod, pod);
    ip(pod, `addr add ${ADDRESS[pod]}/32 dev eth0`);
    ip(pod, 'route add default via 169.254.1.1 dev eth0 onlink');
    ip(pod, 'neigh add 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0');
    ip('node', `route add ${ADDRESS[pod]} dev ${pod}`);
    const [{ address }] = JSON.parse(run(pod, 'ip', '-j', 'link', 'show', 'eth0'));
    ip('node', `neigh add ${ADDRESS[pod]} lladdr ${address} dev ${pod}`);
    ip(pod, `addr add ${ADDRESS6[pod]}/128 dev eth0 nodad`);
    ip(pod, 'neigh add fe80::1 lladdr ee:ee:ee:ee:ee:ee dev eth0');
    ip(pod, 'route add default via fe80::1 dev eth0 onlink');
    ip('node', `route add ${ADDRESS6[pod]} dev ${pod}`);
    ip('node', `neigh add ${ADDRESS6[pod]} lladdr ${address} dev ${pod}`);
  }
  cable('far', 'eth0');
  cable('outside', 'uplink');
  ip('node', 'addr add 172.30.0.11/24 dev eth0');
  // on lo it would be what masquerade takes there
  ip('node', `addr add ${OTHER_PROXY.node.ipv4}/32 dev eth0`);
  ip('far', 'addr add 172.30.0.12/24 dev eth0');
  for (const pod of ['far', 'distant'] as const) ip('far', `addr add ${ADDRESS[pod]}/32 dev lo`);
  ip('far', 'route add default via 172.30.0.11');
  ip('node', 'route add 10.244.2.0/24 via 172.30.0.12');
  ip('far', `route add local ${CROWD.ipv4} dev lo`);
  ip('node', `route add ${CROWD.ipv4} via 172.30.0.12`);
  ip('node', `addr add ${UPLINK.ipv4}/24 dev uplink`);
  ip('node', 'route add default via 203.0.113.10');
  ip('outside', 'addr add 203.0.113.10/24 dev eth0');
  ip('outside', `route add default via ${UPLINK.ipv4}`);
  ip('node', `addr add ${ADDRESS6.node}/64 dev eth0 nodad`);
  ip('far', 'addr add fd00:30::12/64 dev eth0 nodad');
  for (const pod of ['far', 'distant'] as const) ip('far', `addr add ${ADDRESS6[pod]}/128 dev lo nodad`);
  ip('far', `route add default via ${ADDRESS6.node}`);
  ip('node', 'route add fd00:244:2::/64 via fd00:30::12');
  ip('far', `route add local ${CROWD.ipv6} dev lo`);
  ip('node', `route add ${CROWD.ipv6} via fd00:30::12`);
  // never the source of what the node sends
  ip('node', `addr add ${OTHER_PROXY.node.ipv6}/128 dev lo nodad preferred_lft 0`);
  ip('outside', `addr add ${OTHER_PROXY.outside.ipv4}/32 dev lo`);
  ip('outside', `addr add ${OTHER_PROXY.outside.ipv6}/128 dev lo nodad preferred_lft 0`);
  ip('node', `addr add ${UPLINK.ipv6}/64 dev uplink nodad`);
  ip('node', `route add default via ${ADDRESS6.outside}`);
  ip('outside', `addr add ${ADDRESS6.outside}/64 dev eth0 nodad`);
  ip('outside', `route add default via ${UPLINK.ipv6}`);
  // solicitations wait for link-local addresses, which are checked for duplicates first
  const mac = (place: Place): string => JSON.parse(run(place, 'ip', '-j', 'link', 'show', 'eth0'))[0].address;
  ip('node', `neigh add fd00:30::12 lladdr ${mac('far')} dev eth0`);
  ip('node', `neigh add ${ADDRESS6.outside} lladdr ${mac('outside')} dev uplink`);
  ip('far', `neigh add ${ADDRESS6.node} lladdr ee:ee:ee:ee:ee:ee dev eth0`);
  ip('outside', `neigh add ${UPLINK.ipv6} lladdr ee:ee:ee:ee:ee:ee dev eth0`);
}

async function serve(netns: Record<Place, Netns>): Promise<{ close(): void }[]> {
  const servers: { close(): void }[] = [];
  const tcp = async (place: Place, address: string, port: number, nameOf: (local: string) => string): Promise<void> => {
    const server = await listenTcp({ netns: netns[place], address, port });
    const sockets = new Set<Socket>();
    server.on('connection', (socket) => {
      sockets.add(socket.once('close', () => sockets.delete(socket)));
      const answer: Answer = { server: nameOf(socket.localAddress ?? ''), source: socket.remoteAddress ?? '' };
      socket.on('error', () => {}).on('data', (data) => socket.write(data));
      socket.write(`${JSON.stringify(answer)}\n`);
    });
    // clients may be cut off by what is tested, and would keep the program alive
    servers.push({
      close() {
        server.close();
        for (const socket of sockets) socket.destroy();
      },
    });
  };
  for (const place of SERVERS) {
    for (const address of [ADDRESS[place], ADDRESS6[place]]) {
      for (const port of TCP_PORTS) await tcp(place, address, port, () => `${place}:${port}`);
      const udp = await bindUdp({ netns: netns[place], address, port: UDP_PORT });
      udp.on('message', (_, from) =>
        udp.send(JSON.stringify({ server: place, source: from.address }), from.port, from.address),
      );
      const sctp = serveSctp({ netns: netns[place], address, port: SCTP_PORT }, (source) =>
        JSON.stringify({ server: place, source }),
      );
      servers.push(udp, sctp);
    }
  }
  for (const any of ['0.0.0.0', '::']) await tcp('far', any, CROWD.port, (local) => `crowd/${local}`);
  for (const place of ['node', 'outside'] as const)
    for (const address of Object.values(OTHER_PROXY[place])) await tcp(place, address, 80, () => 'other');
  return servers;
}

/** For a connection, in ms; emulated processors stand still for seconds when those of the host have other things to do. */
const ENOUGH = hostname() === 'podwire-guest' ? 60_000 : 1000;

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
