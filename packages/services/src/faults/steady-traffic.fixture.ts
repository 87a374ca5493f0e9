import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@podwire/base';
import { connectTcp } from '@podwire/kernel';
import type { World } from '../world.fixture.ts';
import { SynCounts } from './syn-counts.fixture.ts';

/** How often an open connection is used, and a new one made, in ms. */
const INTERVAL = 20;
/** For a connection, and for the last answers, in ms. */
const PATIENCE = 30_000;

/**
 * Connections of a client to services that stay open and are used again and again, and new ones to them, until stop(), which
 * tells what was refused, reset, or not answered.
 */
export class SteadyTraffic {
  readonly #world: World;
  readonly #addresses: readonly string[];
  readonly #open: { readonly socket: Socket; sent: number; received: number }[] = [];
  readonly #failures: string[] = [];
  readonly #stop = new AbortController();
  #running: Promise<unknown> | undefined;
  #connects = 0;
  #syns: SynCounts | undefined;

  constructor(world: World, addresses: readonly string[]) {
    this.#world = world;
    this.#addresses = addresses;
  }

  async start(openEach = 3): Promise<this> {
    this.#syns = new SynCounts(this.#world);
    for (const address of this.#addresses) for (let i = 0; i < openEach; i++) await this.#keep(address);
    this.#running = Promise.all([this.#repeat(() => this.#ping()), this.#repeat(() => this.#connect())]);
    return this;
  }

  /** What went wrong; empty when nothing did. */
  async stop(): Promise<readonly string[]> {
    this.#stop.abort();
    await this.#running;
    const end = performance.now() + PATIENCE;
    while (this.#open.some(({ sent, received }) => received < sent) && performance.now() < end) await sleep(INTERVAL);
    for (const { socket, sent, received } of this.#open) {
      if (received < sent) this.#failures.push(`an open connection received ${received} of ${sent} bytes`);
      socket.removeAllListeners().destroy();
    }
    // not by the clock: what stands still for a second on a machine that has much to do was not dropped
    await this.#syns?.assertNoneLost().catch((error) => this.#failures.push(messageOf(error)));
    return this.#failures;
  }

  get summary(): string {
    const echoes = this.#open.reduce((sum, { received }) => sum + received, 0);
    return `${this.#open.length} open connections with ${echoes} echoes, ${this.#connects} new ones`;
  }

  get connects(): number {
    return this.#connects;
  }

  async #repeat(work: () => unknown): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await work();
      await sleep(INTERVAL);
    }
  }

  async #keep(address: string): Promise<void> {
    const socket = await connectTcp({ netns: this.#world.netns.client, address, port: 80, timeout: PATIENCE });
    await new Promise((resolve) => socket.once('data', resolve));
    const connection = { socket, sent: 0, received: 0 };
    this.#open.push(connection);
    socket.on('data', (data) => {
      connection.received += data.length;
    });
    socket.on('error', (error) => this.#failures.push(`a connection to ${address}: ${error.message}`));
    socket.on('close', () => this.#failures.push(`a connection to ${address} was closed`));
  }

  #ping(): void {
    for (const connection of this.#open) {
      connection.socket.write('.');
      connection.sent++;
    }
  }

  async #connect(): Promise<void> {
    const address = this.#addresses[this.#connects++ % this.#addresses.length] ?? '';
    try {
      await this.#world.connect('client', address, 80, PATIENCE);
    } catch (error) {
      this.#failures.push(`a new connection to ${address}: ${error}`);
    }
  }
}
