import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { type IpAddress, type Prefix, parseIp, parsePrefix, silentLogger } from '@podwire/base';
import { connectTcp, createNetns, deleteNetns, listenTcp, type Netns } from '@podwire/kernel';
import {
  type Informer,
  type KubeClient,
  type Node,
  parseClusterConfig,
  type RoomContext,
  type StoreEvent,
} from '@podwire/kube';
import { openNet } from '@podwire/net';
import type { Backend } from './model.ts';

/** Node objects as the API would serve them, without an API. */
export class TestNodes {
  readonly #nodes = new Map<string, Node>();
  readonly #listeners = new Set<(event: StoreEvent<Node>) => void>();

  readonly informer: Informer<'Node'> = {
    kind: 'Node',
    synced: Promise.resolve(),
    settled: Promise.resolve(),
    hasSynced: true,
    list: () => [...this.#nodes.values()],
    get: (name) => this.#nodes.get(name),
    subscribe: (listener) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
  };

  put(n: number): void {
    const object = testNode(n);
    this.#nodes.set(object.metadata?.name ?? '', object);
    for (const listener of this.#listeners) listener({ type: 'added', object });
  }

  delete(n: number): void {
    this.#nodes.delete(`node-${n}`);
    const object = testNode(n);
    for (const listener of this.#listeners) listener({ type: 'deleted', object, previous: object });
  }

  context(n: number, backend: Backend): RoomContext {
    const informers = { of: () => this.informer, stop: () => {} } as unknown as RoomContext['informers'];
    const config = parseClusterConfig({ backend });
    const directories = { runDirectory: '/nonexistent', stateDirectory: '/nonexistent' };
    return { nodeName: `node-${n}`, config, client: {} as KubeClient, informers, logger: silentLogger, ...directories };
  }
}

function testNode(n: number): Node {
  const addresses = [{ type: 'InternalIP', address: `172.30.0.1${n}` }];
  return { metadata: { name: `node-${n}` }, spec: { podCIDRs: [`10.244.${n}.0/24`] }, status: { addresses } };
}

export interface TestLab {
  /** Namespaces of the nodes, from 0. */
  readonly nodes: readonly Netns[];
  /** One pod behind each node, 10.244.n.5. */
  readonly pods: readonly Netns[];
}

/** Nodes 172.30.0.11, .12, ... on one switch, each with a pod 10.244.n.5 of MTU 1500; nothing is left when `fn` ends. */
export async function withTestLab(count: number, fn: (lab: TestLab) => Promise<void>): Promise<void> {
  const suffix = randomBytes(4).toString('hex');
  const made: Netns[] = [];
  const make = (role: string) => {
    const netns = createNetns(`pwf-${suffix}-${role}`);
    made.push(netns);
    return netns;
  };
  try {
    const hub = make('hub');
    using net = openNetDisposable(hub);
    net.createBridge({ name: 'br0' });
    net.setLink('br0', { up: true });
    const nodes = Array.from({ length: count }, (_, i) => make(`node${i + 1}`));
    const pods = Array.from({ length: count }, (_, i) => make(`pod${i + 1}`));
    for (const [i, node] of nodes.entries()) {
      cable(hub, `port${i}`, node, 'eth0');
      net.setLink(`port${i}`, { master: 'br0' });
      addAddress(node, 'eth0', `172.30.0.1${i + 1}`);
      const pod = pods[i] as Netns;
      cable(node, 'pod', pod, 'eth0');
      addAddress(node, 'pod', `10.244.${i + 1}.1`);
      addAddress(pod, 'eth0', `10.244.${i + 1}.5`);
      addRoute(pod, '0.0.0.0/0', `10.244.${i + 1}.1`);
    }
    await fn({ nodes, pods });
  } finally {
    for (const netns of made) {
      netns.close();
      if (netns.name !== undefined) deleteNetns(netns.name);
    }
  }
}

export function openNetDisposable(netns: Netns) {
  const net = openNet(netns);
  return Object.assign(net, { [Symbol.dispose]: () => net.close() });
}

function cable(a: Netns, nameA: string, b: Netns, nameB: string): void {
  using here = openNetDisposable(a);
  using there = openNetDisposable(b);
  here.createVeth({ name: nameA, peer: { name: nameB, netns: b } });
  here.setLink(nameA, { up: true });
  there.setLink(nameB, { up: true });
}

function addAddress(netns: Netns, link: string, address: string): void {
  using net = openNetDisposable(netns);
  net.addAddress({ link, address: parseIp(address), prefixLength: 24 });
}

export function addRoute(netns: Netns, destination: string, via: string): void {
  using net = openNetDisposable(netns);
  net.applyRoutes({
    add: [{ destination: parsePrefix(destination) as Prefix, via: parseIp(via) as IpAddress, protocol: 4 }],
    remove: [],
  });
}

/** Echoes, after one line with the peer's address. */
export async function echoServer(netns: Netns): Promise<Server> {
  const server = await listenTcp({ netns, address: '0.0.0.0', port: 7 });
  // A test that fails in the middle does not close it.
  server.unref().on('connection', (socket) => {
    socket.on('error', () => {});
    socket.write(`${socket.remoteAddress}\n`);
    socket.pipe(socket);
  });
  return server;
}

/** Connects and reads the line that says as whom the server sees the caller. */
export async function callEcho(from: Netns, address: string): Promise<{ socket: Socket; seenAs: string }> {
  const socket = await connectTcp({ netns: from, address, port: 7, timeout: 60_000 });
  const [line] = (await once(socket, 'data')) as [Buffer];
  return { socket, seenAs: line.toString().trim() };
}

/** Sends and waits until all of it came back. */
export async function roundTrip(socket: Socket, bytes: number): Promise<void> {
  const done = Promise.withResolvers<void>();
  let left = bytes;
  const count = (data: Buffer) => {
    left -= data.length;
    if (left <= 0) done.resolve();
  };
  socket.on('data', count);
  socket.write(Buffer.alloc(bytes, 'x'));
  await done.promise;
  socket.off('data', count);
}

/** Packets sent by a link so far. */
export function sentBy(netns: Netns, link: string): number {
  const text = netns.run(() => readFileSync('/proc/thread-self/net/dev', 'utf8'));
  const row = text.split('\n').find((line) => line.trim().startsWith(`${link}:`));
  return Number(row?.split(':')[1]?.trim().split(/\s+/)[9] ?? 0);
}
