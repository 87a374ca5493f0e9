import type { NodePorts } from './node-ports.ts';

interface Held {
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
}

/**
 * What Services were given that are not written yet, since others have a say in them first: nobody else gets it
 * meanwhile. In memory only, so that a refusal or a crash leaves nothing behind.
 */
export class AllocationHolds {
  readonly #ports: NodePorts;
  /** By the owner that node ports are booked for, which is no key of a Service. */
  readonly #held = new Map<string, Held>();
  readonly #addresses = new Set<string>();
  #count = 0;

  constructor(ports: NodePorts) {
    this.#ports = ports;
  }

  /** Returns what lets it go; to call that again does nothing. */
  add(held: Held): () => void {
    const owner = `hold ${++this.#count}`;
    this.#held.set(owner, held);
    for (const address of held.addresses) this.#addresses.add(address);
    this.#ports.book(owner, held.ports);
    return () => {
      if (!this.#held.delete(owner)) return;
      for (const address of held.addresses) this.#addresses.delete(address);
      this.#ports.book(owner, []);
    };
  }

  has(address: string): boolean {
    return this.#addresses.has(address);
  }

  /** All that are held. */
  get addresses(): Iterable<string> {
    return this.#addresses;
  }

  /** Books the node ports again, where all bookings were forgotten. */
  book(): void {
    for (const [owner, { ports }] of this.#held) this.#ports.book(owner, ports);
  }
}
