import { type IpAddress, parseIp } from '../packages/base/src/index.ts';
import { checkCall } from '../packages/kernel/src/errors.ts';
import { connectTcp, encodeSockaddr, listenTcp, type Netns } from '../packages/kernel/src/index.ts';
import { AF, libc, SOCK } from '../packages/kernel/src/libc.ts';
import { withNetns } from '../packages/kernel/src/testing.ts';
import { ip, runInside } from './child.ts';
import { clusterIP, ENDPOINT_PORT, ENDPOINTS, endpointAddress, SERVICE_PORT } from './service-objects.ts';
import { quantile } from './turns.ts';

/** In POD_CIDR, beside the endpoints. */
const CLIENT = '10.247.255.2';
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_LINGER = 13;
/** struct linger { 1, 0 }: closing resets, so that no TIME_WAIT takes up ports. */
const RESET = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
const BACKLOG = 4096;

/**
 * A client's and the endpoints' way through a node:
 *
 *   client 10.247.255.2 ── node (forwards, has the rules) ── server: every 10.244.x.y is local, one listener
 */
export interface ConnectPath {
  readonly client: Netns;
  readonly node: Netns;
  readonly server: Netns;
}

export function withConnectPath<T>(fn: (path: ConnectPath) => Promise<T>): Promise<T> {
  return withNetns(3, async (client, node, server) => {
    runInside(node, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.default.rp_filter=0']);
    ip(node, `link add client type veth peer name eth0 netns ${client.name}`);
    ip(node, `link add server type veth peer name eth0 netns ${server.name}`);
    ip(node, 'link set client up', 'link set server up', 'addr add 10.247.255.1/30 dev client');
    ip(node, 'addr add 10.247.255.5/30 dev server', 'route add 10.244.0.0/16 via 10.247.255.6');
    ip(client, 'link set eth0 up', `addr add ${CLIENT}/30 dev eth0`, 'route add default via 10.247.255.1');
    ip(server, 'link set eth0 up', 'addr add 10.247.255.6/30 dev eth0', 'route add default via 10.247.255.5');
    ip(server, 'route add local 10.244.0.0/16 dev lo');
    return fn({ client, node, server });
  });
}

/** What is connected to: the address of a service, or of its first endpoint. */
export interface Target {
  readonly address: IpAddress;
  readonly port: number;
}
export function serviceTarget(service: number): Target {
  return { address: parseIp(clusterIP(service)), port: SERVICE_PORT };
}
export function podTarget(service: number): Target {
  return { address: parseIp(endpointAddress(service, 0)), port: ENDPOINT_PORT };
}

/** Throws unless an endpoint of the service answers, and sees the client's own address. */
export async function requireAnswer({ client, server }: ConnectPath, service: number, target: Target): Promise<void> {
  const listener = await listenTcp({ netns: server, address: '0.0.0.0', port: ENDPOINT_PORT });
  listener.on('connection', (socket) => socket.end(`${socket.localAddress} ${socket.remoteAddress}`));
  try {
    let answer = '';
    for await (const chunk of await connectTcp({ netns: client, ...target, timeout: 5000 })) answer += chunk;
    const wanted = ENDPOINTS.map((endpoint) => `${endpointAddress(service, endpoint)} ${CLIENT}`);
    if (!wanted.includes(answer)) throw new Error(`${target.address} answered "${answer}" instead of ${wanted}`);
  } finally {
    listener.close();
  }
}

/** What connects cost, in microseconds. */
export interface ConnectCost {
  readonly p50: number;
  readonly p99: number;
  /** User and system time of each, with making and closing the socket; the same work for every contestant. */
  readonly cpu: number;
}

const tcpSocket = (): number =>
  checkCall(libc.socket(AF.INET, SOCK.STREAM | SOCK.CLOEXEC, 0), () => 'socket for a measured connect');
/**
 * Connects so many sockets one after the other, blocking, and resets them. `within`: around the making of the sockets, for
 * what depends on where that happened.
 */
export function connects(
  { client, server }: ConnectPath,
  target: Target,
  {
    count,
    within = (make) => make(),
  }: { readonly count: number; readonly within?: (make: () => number[]) => number[] },
): ConnectCost {
  const listener = server.run(listen);
  const sockets = within(() => client.run(() => Array.from({ length: count }, tcpSocket)));
  const address = encodeSockaddr(target.address, target.port);
  const times: number[] = [];
  const before = process.cpuUsage();
  for (const socket of sockets) {
    const started = performance.now();
    const result = libc.connect(socket, address, address.length);
    times.push((performance.now() - started) * 1000);
    checkCall(result, () => `connect to ${target.address}`);
    checkCall(libc.setsockopt(socket, SOL_SOCKET, SO_LINGER, RESET, RESET.length), () => 'setsockopt SO_LINGER');
    libc.close(socket);
  }
  const { user, system } = process.cpuUsage(before);
  libc.close(listener);
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), cpu: (user + system) / count };
}

/** Nobody accepts: the kernel completes the handshake by itself. */
function listen(): number {
  const listener = tcpSocket();
  const any = encodeSockaddr(parseIp('0.0.0.0'), ENDPOINT_PORT);
  checkCall(libc.setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, Buffer.from([1, 0, 0, 0]), 4), () => 'setsockopt');
  checkCall(libc.bind(listener, any, any.length), () => 'bind');
  checkCall(libc.listen(listener, BACKLOG), () => 'listen');
  return listener;
}
