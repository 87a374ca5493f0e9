import type { Netns } from '@podwire/kernel';
import { type HealthAnswer, type ProxyHealth, proxyHealth, serviceHealth } from './health-answer.ts';
import { HealthListener } from './health-listener.ts';
import { type ServicesView, titleOf } from './model.ts';
import type { Changes } from './proxy.ts';

export interface HealthOptions {
  /** Where to listen; absent: where the thread is. */
  readonly netns?: Netns | undefined;
  readonly view: ServicesView;
  readonly health: () => ProxyHealth;
  /** Of `/healthz` and `/livez`; 0 or absent: nowhere. */
  readonly proxyPort?: number | undefined;
  /** Told what was answered at the proxy's port. */
  readonly answered?: (path: string, status: number) => void;
}

/**
 * The HTTP servers that tell balancers about this node: one per health check node port, one for the proxy. What they say is
 * read from the model at each request, so that only ports that come and go need anything done.
 */
export class HealthServers {
  readonly #options: HealthOptions;
  readonly #listeners = new Map<number, HealthListener>();
  /** Port by service, `namespace/name`. */
  readonly #ports = new Map<string, number>();
  /** The same of services that want a port which another one has. */
  readonly #waiting = new Map<string, number>();

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** Opens and closes ports; nothing to wait for when none opens. `again`: try those once more that could not be opened. */
  sync(changes: Changes, again: boolean): Promise<unknown> | undefined {
    const { proxyPort } = this.#options;
    const opening: Promise<void>[] = [];
    const keys = this.#concerned(changes);
    this.#waiting.clear();
    // all that go before any that come: a port may go from one to the other
    for (const key of keys) this.#close(key);
    if (again) for (const listener of this.#listeners.values()) if (listener.problem) opening.push(listener.open());
    if (proxyPort && !this.#listeners.has(proxyPort))
      opening.push(this.#open(proxyPort, 'the proxy', (path) => this.#proxyHealth(path)));
    for (const key of keys) opening.push(this.#openFor(key));
    return opening.length > 0 ? Promise.all(opening) : undefined;
  }

  /** Services that want another port than they have; of most changes none, and there are many changes. */
  #concerned(changes: Changes): string[] {
    const changed = changes === 'all' ? [...this.#options.view.services.keys(), ...this.#ports.keys()] : changes;
    const keys: string[] = [];
    for (const key of changed) if (this.#wanted(key) !== this.#ports.get(key)) keys.push(key);
    return this.#waiting.size > 0 || changes === 'all' ? [...new Set([...this.#waiting.keys(), ...keys])] : keys;
  }

  /** Ports that could not be opened, for people. */
  problems(): string[] {
    const taken = [...this.#waiting].map(
      ([key, port]) =>
        `${titleOf(key)}: health port ${port} is that of ${this.#listeners.get(port)?.what ?? 'another'}; choose another`,
    );
    return [...[...this.#listeners.values()].flatMap(({ problem }) => problem ?? []), ...taken];
  }

  #proxyHealth(path: string): HealthAnswer {
    const { health, answered } = this.#options;
    const answer = proxyHealth(path, health(), Date.now());
    answered?.(path, answer.status);
    return answer;
  }

  get size(): number {
    return this.#listeners.size;
  }

  close(): void {
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
    this.#ports.clear();
    this.#waiting.clear();
  }

  #wanted(key: string): number | undefined {
    return this.#options.view.services.get(key)?.healthCheckNodePort;
  }

  async #openFor(key: string): Promise<void> {
    const port = this.#wanted(key);
    if (port === undefined) return;
    if (this.#listeners.has(port)) {
      this.#waiting.set(key, port);
      return;
    }
    this.#ports.set(key, port);
    const { view, health } = this.#options;
    await this.#open(port, titleOf(key), () => {
      const service = view.services.get(key);
      return service ? serviceHealth(service, health()) : { status: 404, headers: {}, body: {} };
    });
  }

  #open(port: number, what: string, answer: (path: string) => HealthAnswer): Promise<void> {
    const listener = new HealthListener({ netns: this.#options.netns, port, what, answer });
    this.#listeners.set(port, listener);
    return listener.open();
  }

  #close(key: string): void {
    const port = this.#ports.get(key);
    if (port === undefined) return;
    this.#ports.delete(key);
    this.#listeners.get(port)?.close();
    this.#listeners.delete(port);
  }
}
