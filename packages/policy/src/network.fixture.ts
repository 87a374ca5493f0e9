import { execFileSync } from 'node:child_process';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, type IpAddress } from '@podwire/base';
import { bindUdp, connectTcp, listenTcp, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { DNS, type ExpectedPacket } from './fixture.ts';

const OUTSIDE = '203.0.113.10' as IpAddress;
/** How long silence must last to count as dropped, in ms. */
const SILENCE = 400;
/** How long may pass before what is expected to get through does, in ms; a link that has just been raised drops packets. */
const PATIENCE = 60_000;
const TURN = 20;
/** A datagram that may be lost is sent again after so many turns. */
const AGAIN = 15;

/**
 *   pod 10.244.x.y ── veth ──┐
 *   pod 10.244.x.z ── veth ──┤ node (routes a /32 to each; the DNS addresses on its lo)
 *   outside 203.0.113.10 ────┘
 */
export async function withNode(
  addresses: readonly IpAddress[],
  fn: (network: TestNetwork) => Promise<void>,
): Promise<void> {
  const hosts = [...new Set([...addresses, OUTSIDE])];
  await withNetns(hosts.length + 1, async (node, ...namespaces) => {
    if (!node) throw new Error('no namespace was made');
    const ip = (netns: Netns | undefined, ...args: string[]) =>
      execFileSync('ip', ['-n', String(netns?.name), ...args]);
    hosts.forEach((address, i) => {
      ip(node, 'link', 'add', `pwp${i}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(namespaces[i]?.name));
      ip(namespaces[i], 'addr', 'add', `${address}/32`, 'dev', 'eth0');
      ip(namespaces[i], 'link', 'set', 'eth0', 'up');
      ip(namespaces[i], 'route', 'add', '169.254.1.1', 'dev', 'eth0');
      ip(namespaces[i], 'route', 'add', 'default', 'via', '169.254.1.1');
      ip(node, 'link', 'set', `pwp${i}`, 'up');
      ip(node, 'addr', 'add', '169.254.1.1/32', 'dev', `pwp${i}`);
      ip(node, 'route', 'add', `${address}/32`, 'dev', `pwp${i}`);
    });
    for (const address of DNS) ip(node, 'addr', 'add', `${address}/32`, 'dev', 'lo');
    execFileSync('ip', ['netns', 'exec', String(node.name), 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    const network = new TestNetwork(node, new Map(hosts.map((address, i) => [address, namespaces[i] as Netns])));
    try {
      await fn(network);
    } finally {
      network.close();
    }
  });
}

interface Target {
  readonly netns: Netns;
  readonly address: IpAddress;
  readonly port: number;
}

export class TestNetwork {
  readonly node: Netns;
  readonly #hosts: ReadonlyMap<IpAddress, Netns>;
  readonly #listeners = new Map<string, Promise<{ close(): unknown }>>();
  readonly #closers: (() => void)[] = [];

  constructor(node: Netns, hosts: ReadonlyMap<IpAddress, Netns>) {
    this.node = node;
    this.#hosts = hosts;
  }

  close(): void {
    for (const close of this.#closers) close();
  }

  /** Whether the packet gets through and an answer back; who does not expect it does not wait for long. */
  async send(packet: Omit<ExpectedPacket, 'text' | 'allowed'>, expected: boolean): Promise<boolean> {
    const { source, destination, protocol, port = 0 } = packet;
    const netns = this.#hosts.get(source) ?? this.node;
    await this.#listen(destination, protocol, port);
    const timeout = expected ? PATIENCE : SILENCE;
    if (protocol === 'udp') return this.#sendUdp({ netns, address: destination, port }, timeout);
    try {
      (await connectTcp({ netns, address: destination, port, timeout })).destroy();
      return true;
    } catch (error) {
      if (hasCode(error, 'KERNEL_CONNECT')) return false;
      throw error;
    }
  }

  /** A server of the test's own at every destination, so that silence means that the policy dropped the packet. */
  async #listen(address: IpAddress, protocol: ExpectedPacket['protocol'], port: number): Promise<void> {
    const netns = this.#hosts.get(address) ?? (DNS.includes(address) ? this.node : undefined);
    if (!netns) return;
    const key = `${protocol} ${address} ${port}`;
    const listening =
      this.#listeners.get(key) ??
      (protocol === 'udp' ? this.#udpEcho(netns, address, port) : this.#tcpServer(netns, address, port));
    this.#listeners.set(key, listening);
    await listening;
  }

  async #tcpServer(netns: Netns, address: IpAddress, port: number): Promise<Server> {
    const server = await listenTcp({ netns, address, port });
    server.on('connection', (socket) => socket.on('error', () => socket.destroy()).resume());
    this.#closers.push(() => server.close());
    return server;
  }

  async #udpEcho(netns: Netns, address: IpAddress, port: number): Promise<{ close(): unknown }> {
    const socket = await bindUdp({ netns, address, port });
    socket.on('message', (message, from) => socket.send(message, from.port, from.address));
    this.#closers.push(() => socket.close());
    return socket;
  }

  async #sendUdp({ netns, address, port }: Target, timeout: number): Promise<boolean> {
    const socket = await bindUdp({ netns, address: '0.0.0.0' as IpAddress, port: 0 });
    try {
      let answered = false;
      socket.once('message', () => {
        answered = true;
      });
      // both ends are in this thread: when it stands still, only its turns tell how long nothing came
      for (let turn = 0; turn < timeout / TURN && !answered; turn++) {
        if (turn % AGAIN === 0) socket.send('ping', port, address);
        await sleep(TURN);
      }
      return answered;
    } finally {
      socket.close();
    }
  }
}
