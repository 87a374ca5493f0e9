import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseIp, parsePrefix, silentLogger } from '@podwire/base';
import { connectTcp, createNetns, deleteNetns, listenTcp, type Netns } from '@podwire/kernel';
import { type Informer, type Informers, type KubeClient, type Node, parseClusterConfig } from '@podwire/kube';
import { openNet } from '@podwire/net';
import type { Wiring } from './attachment.ts';
import { cniRequest } from './client.ts';
import { pluginConfig } from './conflist.ts';
import { createPodsRoom, type PodsContext, type PodsRoom } from './controller.ts';

/** Two nodes 172.30.0.11 and .12 and a host 172.30.0.100 outside the cluster on one switch. */
export interface TestLab {
  readonly nodes: readonly [TestNode, TestNode];
  readonly outside: Netns;
  /** A new empty namespace for a pod. */
  namespace(): Netns;
}

interface TestNode {
  readonly netns: Netns;
  readonly directory: string;
  start(options?: Partial<PodsContext> & { readonly wiring?: Wiring }): Promise<PodsRoom>;
}

/** What a CNI call answered, and the result or error in it. */
export interface Answer {
  readonly exitCode: number;
  // biome-ignore lint/suspicious/noExplicitAny: results and errors of all versions are looked into
  readonly body: any;
}

const NODES = [1, 2].map((n): Node => {
  const addresses = [{ type: 'InternalIP', address: `172.30.0.1${n}` }];
  return { metadata: { name: `node-${n}` }, spec: { podCIDRs: [`10.244.${n}.0/24`] }, status: { addresses } };
});
const INFORMER: Informer<'Node'> = {
  ...{ kind: 'Node', synced: Promise.resolve(), settled: Promise.resolve(), hasSynced: true, list: () => NODES },
  get: (name) => NODES.find((n) => n.metadata?.name === name),
  subscribe: () => () => {},
};

export async function withTestLab(fn: (lab: TestLab) => Promise<void>): Promise<void> {
  const suffix = randomBytes(4).toString('hex');
  const directory = mkdtempSync(join(tmpdir(), 'podwire-pods-'));
  const made: Netns[] = [];
  const rooms: PodsRoom[] = [];
  const make = (role: string) => {
    const netns = createNetns(`pwp-${suffix}-${role}`);
    made.push(netns);
    return netns;
  };
  try {
    const [hub, outside] = [make('hub'), make('outside')];
    using net = openNetDisposable(hub);
    net.createBridge({ name: 'br0' });
    net.setLink('br0', { up: true });
    plug(hub, outside, '172.30.0.100');
    const nodes = [1, 2].map((n): TestNode => {
      const netns = make(`node${n}`);
      plug(hub, netns, `172.30.0.1${n}`);
      mkdirSync(join(directory, `node-${n}`));
      return {
        netns,
        directory: join(directory, `node-${n}`),
        start: (options = {}) => startRoom(n, netns, join(directory, `node-${n}`), options),
      };
    });
    const startRoom = async (
      n: number,
      netns: Netns,
      state: string,
      options: Partial<PodsContext> & { readonly wiring?: Wiring },
    ) => {
      const room = createPodsRoom(testContext(n, netns, state, options));
      rooms.push(room);
      await room.start();
      return room;
    };
    await fn({ nodes: nodes as unknown as TestLab['nodes'], outside, namespace: () => make(`pod${made.length}`) });
  } finally {
    for (const room of rooms) await room.stop();
    for (const netns of made) {
      netns.close();
      if (netns.name !== undefined) deleteNetns(netns.name);
    }
    rmSync(directory, { recursive: true });
  }
}

function testContext(
  n: number,
  netns: Netns,
  directory: string,
  options: Partial<PodsContext> & { readonly wiring?: Wiring },
): PodsContext {
  const { wiring = 'ptp', ...rest } = options;
  const informers = { of: () => INFORMER, stop: () => {} } as unknown as Informers;
  const places = { runDirectory: directory, stateDirectory: directory };
  const config = parseClusterConfig({ wiring });
  return {
    nodeName: `node-${n}`,
    netns,
    config,
    client: {} as KubeClient,
    informers,
    logger: silentLogger,
    ...places,
    ...rest,
  };
}

export function openNetDisposable(netns: Netns) {
  const net = openNet(netns);
  return Object.assign(net, { [Symbol.dispose]: () => net.close() });
}

function plug(hub: Netns, netns: Netns, address: string): void {
  using net = openNetDisposable(hub);
  using there = openNetDisposable(netns);
  const name = `p${address.slice(address.lastIndexOf('.') + 1)}`;
  net.createVeth({ name, peer: { name: 'eth0', netns } });
  net.setLink(name, { up: true, master: 'br0' });
  there.setLink('eth0', { up: true });
  there.addAddress({ link: 'eth0', address: parseIp(address), prefixLength: 24 });
}

/** As another node's fabric would have it. */
export function addRoute(netns: Netns, destination: string, via: string): void {
  using net = openNetDisposable(netns);
  net.applyRoutes({ add: [{ destination: parsePrefix(destination), via: parseIp(via) }], remove: [] });
}

/** One CNI call over the room's socket. */
export async function cni(
  room: PodsRoom,
  command: string,
  pod: Netns | string,
  more: CniOptions = {},
): Promise<Answer> {
  const { config = {}, runtimeConfig = {}, args } = more;
  const path = typeof pod === 'string' ? '' : pod.path;
  const id = typeof pod === 'string' ? pod : (pod.name ?? '');
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: id,
    CNI_NETNS: path,
    CNI_IFNAME: 'eth0',
    ...(args && { CNI_ARGS: args }),
  };
  const stdin = JSON.stringify({ ...JSON.parse(pluginConfig(runtimeConfig)), ...config });
  const { stdout, exitCode } = await cniRequest(room.socketPath, env, stdin);
  return { exitCode, body: stdout === '' ? undefined : JSON.parse(stdout) };
}

interface CniOptions {
  readonly config?: object;
  readonly runtimeConfig?: Record<string, unknown>;
  readonly args?: string;
}

/** ADD that has to succeed; the pod's address. */
export async function add(room: PodsRoom, pod: Netns, more: CniOptions = {}): Promise<string> {
  const { exitCode, body } = await cni(room, 'ADD', pod, more);
  if (exitCode !== 0) throw new Error(JSON.stringify(body));
  return body.ips[0].address.split('/')[0];
}

/** Tells every caller the address it is seen with. */
export async function whoami(netns: Netns, port = 80): Promise<Server> {
  const server = await listenTcp({ netns, address: '0.0.0.0', port });
  // A test that fails in the middle does not close it.
  server.unref().on('connection', (socket) => {
    socket.on('error', () => {});
    socket.end(socket.remoteAddress ?? '');
  });
  return server;
}

/**
 * As whom the server sees a caller from the namespace, or the name of the error. The time-out is long, since a link that has
 * just been raised drops packets, and these are sent again after a second; where silence is expected, it may be short.
 */
export async function ask(from: Netns, address: string, port = 80, timeout = 60_000): Promise<string> {
  try {
    const socket = await connectTcp({ netns: from, address, port, timeout });
    const [data] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return data.toString();
  } catch (error) {
    return String((error as { details?: { errnoName?: string } }).details?.errnoName ?? error);
  }
}

interface UdpPacket {
  readonly from: { readonly mac: string; readonly address: string };
  readonly to: { readonly mac: string; readonly address: string; readonly port: number };
  readonly payload: string;
}

/** An Ethernet frame with an IPv4 UDP packet (RFC 768, RFC 791) of any addresses whatever. */
export function udpFrame({ from, to, payload }: UdpPacket): Buffer {
  const data = Buffer.from(payload);
  const ip = Buffer.alloc(28);
  ip.set([0x45, 0, 0, 28 + data.length, 0, 0, 0, 0, 64, 17, 0, 0, ...parts(from.address), ...parts(to.address)]);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += ip.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  ip.writeUInt16BE(~sum & 0xffff, 10);
  ip.writeUInt16BE(4000, 20);
  ip.writeUInt16BE(to.port, 22);
  ip.writeUInt16BE(8 + data.length, 24);
  return Buffer.concat([macBytes(to.mac), macBytes(from.mac), Buffer.from([8, 0]), ip, data]);
}

/** A gratuitous ARP announcement (RFC 5227). */
export function arpFrame(mac: string, address: string): Buffer {
  const claim = [...macBytes(mac), ...parts(address), 0, 0, 0, 0, 0, 0, ...parts(address)];
  return Buffer.concat([
    macBytes('ff:ff:ff:ff:ff:ff'),
    macBytes(mac),
    Buffer.from([8, 6, 0, 1, 8, 0, 6, 4, 0, 1, ...claim]),
  ]);
}

const parts = (address: string): number[] => address.split('.').map(Number);
const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');
