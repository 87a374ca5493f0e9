import { messageOf } from '@podwire/base';
import type { ListenerPlan } from './listener-plan.ts';
import type { Relay, RelayContext } from './relay.ts';
import { openTcpRelay } from './tcp-relay.ts';
import { openUdpRelay } from './udp-relay.ts';

/** The open listeners of a node, by id. */
export class Relays {
  readonly #context: RelayContext;
  readonly #open = new Map<string, Relay>();
  /** Why those that are wanted are not open. */
  readonly #closed = new Map<string, string>();
  /** Stopped ones whose connections go on. */
  #ending: Relay[] = [];

  constructor(context: RelayContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#open.size;
  }

  /** What is wanted and could not be opened, with the reason. `bring` tries again. */
  get closed(): ReadonlyMap<string, string> {
    return this.#closed;
  }

  readonly portOf = (id: string): number | undefined => this.#open.get(id)?.port;

  /** Opens what is not there and brings the others up to date; returns how many UDP sessions had to leave their endpoint. */
  async bring(plans: ReadonlyMap<string, ListenerPlan>): Promise<number> {
    let moved = 0;
    const opening: Promise<void>[] = [];
    for (const plan of plans.values()) {
      const present = this.#open.get(plan.id);
      if (present) moved += present.update(plan);
      else opening.push(this.#add(plan));
    }
    await Promise.all(opening);
    return moved;
  }

  async #add(plan: ListenerPlan): Promise<void> {
    const open = plan.protocol === 'tcp' ? openTcpRelay : openUdpRelay;
    try {
      this.#open.set(plan.id, await open(plan, this.#context));
      this.#closed.delete(plan.id);
    } catch (error) {
      this.#closed.set(plan.id, messageOf(error));
    }
  }

  /** To be called when nothing is captured for them any more. */
  stopAllBut(wanted: readonly ReadonlyMap<string, unknown>[]): void {
    for (const id of [...this.#open.keys(), ...this.#closed.keys()])
      if (!wanted.some((one) => one.has(id))) this.stop(id);
  }

  stop(id: string): void {
    this.#closed.delete(id);
    const relay = this.#open.get(id);
    if (!relay) return;
    relay.stop();
    this.#open.delete(id);
    this.#ending = [...this.#ending.filter(({ connections }) => connections > 0), relay];
  }

  /** Stops everything and lets go of it: connections end by themselves, also after `close`. */
  leave(): void {
    for (const id of [...this.#open.keys(), ...this.#closed.keys()]) this.stop(id);
    this.#ending = [];
  }

  /** Ends every connection at once. */
  close(): void {
    for (const relay of [...this.#open.values(), ...this.#ending]) relay.close();
    this.#open.clear();
    this.#closed.clear();
    this.#ending = [];
  }
}
