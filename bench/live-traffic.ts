import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectTcp } from '../packages/kernel/src/index.ts';
import type { ServiceNode } from './service-node.ts';
import { clusterIP, SERVICE_PORT } from './service-objects.ts';

/** How often an open connection is used, in ms. */
const PING_INTERVAL = 100;
const PAUSE_BETWEEN_CONNECTS = 2;

export interface TrafficSummary {
  readonly open: number;
  readonly echoes: number;
  readonly connects: number;
}

/**
 * Connections that stay open and are used again and again, and new ones to one service after the other, until stop(), which
 * throws if anything was refused, reset, closed or left without an answer.
 */
export class LiveTraffic {
  readonly #node: ServiceNode;
  readonly #services: number;
  readonly #open: { readonly socket: Socket; sent: number; received: number }[] = [];
  readonly #failures: string[] = [];
  #connects = 0;
  #stopped = false;
  #connecting: Promise<void> | undefined;
  #pings: NodeJS.Timeout | undefined;

  constructor(node: ServiceNode, services: number) {
    this.#node = node;
    this.#services = services;
  }

  async start(open: number): Promise<void> {
    for (let i = 0; i < open; i++) await this.#keep(Math.floor((i * this.#services) / open));
    this.#pings = setInterval(() => this.#ping(), PING_INTERVAL);
    this.#connecting = this.#connectAgainAndAgain();
  }

  async stop(): Promise<TrafficSummary> {
    clearInterval(this.#pings);
    this.#stopped = true;
    await this.#connecting;
    await sleep(PING_INTERVAL);
    const silent = this.#open.filter(({ sent, received }) => received !== sent).length;
    if (silent) this.#failures.push(`${silent} open connections are silent`);
    const echoes = this.#open.reduce((sum, { received }) => sum + received, 0);
    for (const { socket } of this.#open) socket.removeAllListeners().destroy();
    if (this.#failures.length) throw new Error(`traffic suffered: ${this.#failures.slice(0, 5).join('; ')}`);
    return { open: this.#open.length, echoes, connects: this.#connects };
  }

  async #keep(service: number): Promise<void> {
    const { netns } = this.#node;
    const socket = await connectTcp({ netns, address: clusterIP(service), port: SERVICE_PORT, timeout: 5000 });
    await new Promise((resolve) => socket.once('data', resolve));
    const connection = { socket, sent: 0, received: 0 };
    this.#open.push(connection);
    socket.on('data', (data) => {
      connection.received += data.length;
    });
    socket.on('error', (error) => this.#failures.push(`service ${service}: ${error.message}`));
    socket.on('close', () => this.#failures.push(`service ${service} closed a connection`));
  }

  #ping(): void {
    for (const connection of this.#open) {
      connection.socket.write('.');
      connection.sent++;
    }
  }

  async #connectAgainAndAgain(): Promise<void> {
    while (!this.#stopped) {
      const service = (this.#connects++ * 6151) % this.#services;
      await this.#node.connect(service).catch((error) => this.#failures.push(`service ${service}: ${error}`));
      await sleep(PAUSE_BETWEEN_CONNECTS);
    }
  }
}
