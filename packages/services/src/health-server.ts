import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TcpServer } from 'node:net';
import { messageOf } from '@podwire/base';
import { isErrno, listenTcp, type Netns } from '@podwire/kernel';
import { type HealthAnswer, type ProxyHealth, proxyHealth, serviceHealth } from './health-answer.ts';
import type { ServicesView } from './model.ts';
import type { Changes } from './proxy.ts';

export interface HealthOptions {
  /** Where to listen; absent: where the thread is. */
  readonly netns?: Netns | undefined;
  readonly view: ServicesView;
  readonly health: () => ProxyHealth;
  /** Of `/healthz` and `/livez`; 0 or absent: nowhere. */
  readonly proxyPort?: number | undefined;
}

type Answer = (path: string) => HealthAnswer;

/** Why a port is open, and for whom. */
interface Listener {
  readonly what: string;
  readonly http: Server;
  /** One per family. */
  tcp: readonly TcpServer[];
  problem: string | undefined;
}

/**
 * The HTTP servers that tell balancers about this node: one per health check node port, one for the proxy. What they say is
 * read from the model at each request, so that only ports that come and go need anything done.
 */
export class HealthServers {
  readonly #options: HealthOptions;
  readonly #listeners = new Map<number, Listener>();
  /** Port by service, `namespace/name`. */
  readonly #ports = new Map<string, number>();

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** Opens and closes ports. `again`: try those once more that could not be opened. */
  async sync(changes: Changes, again: boolean): Promise<void> {
    const { view, proxyPort, health } = this.#options;
    const opening: Promise<void>[] = [];
    if (proxyPort && !this.#listeners.has(proxyPort))
      opening.push(this.#open(proxyPort, 'the proxy', (path) => proxyHealth(path, health(), Date.now())));
    const keys = changes === 'all' ? new Set([...view.services.keys(), ...this.#ports.keys()]) : changes;
    for (const key of keys) {
      const wanted = view.services.get(key)?.healthCheckNodePort;
      const present = this.#ports.get(key);
      if (wanted === present) continue;
      if (present !== undefined) this.#close(key, present);
      if (wanted !== undefined) opening.push(this.#openFor(key, wanted));
    }
    if (again)
      for (const [port, listener] of this.#listeners) if (listener.problem) opening.push(this.#listen(port, listener));
    await Promise.all(opening);
  }

  /** Ports that could not be opened, for people. */
  problems(): string[] {
    return [...this.#listeners.values()].flatMap(({ problem }) => problem ?? []);
  }

  get size(): number {
    return this.#listeners.size;
  }

  close(): void {
    for (const listener of this.#listeners.values()) closeListener(listener);
    this.#listeners.clear();
    this.#ports.clear();
  }

  #openFor(key: string, port: number): Promise<void> {
    // allocation keeps them apart; of two the first has it
    if (this.#listeners.has(port)) return Promise.resolve();
    this.#ports.set(key, port);
    const { view, health } = this.#options;
    return this.#open(port, `Service ${key}`, () => {
      const service = view.services.get(key);
      return service ? serviceHealth(service, health()) : { status: 404, headers: {}, body: {} };
    });
  }

  #open(port: number, what: string, answer: Answer): Promise<void> {
    // an import would load all that Node's http can do, fetch and WebSocket among it, into every agent without such a port
    const { createServer } = process.getBuiltinModule('node:http');
    const http = createServer((request, response) => respond(request, response, answer));
    const listener: Listener = { what, http, tcp: [], problem: undefined };
    this.#listeners.set(port, listener);
    return this.#listen(port, listener);
  }

  async #listen(port: number, listener: Listener): Promise<void> {
    try {
      const tcp = await this.#listenAt(port);
      if (this.#listeners.get(port) !== listener) {
        for (const server of tcp) server.close();
        return;
      }
      for (const server of tcp) server.on('connection', (socket) => listener.http.emit('connection', socket)).unref();
      listener.tcp = tcp;
      listener.problem = undefined;
    } catch (error) {
      listener.problem = `${listener.what}: health port ${port} cannot be opened: ${messageOf(error)}; free it, or choose another`;
    }
  }

  /** On all addresses of both families, or of IPv4 on a node without IPv6. */
  async #listenAt(port: number): Promise<TcpServer[]> {
    const { netns } = this.#options;
    const four = await listenTcp({ netns, address: '0.0.0.0', port });
    try {
      return [four, await listenTcp({ netns, address: '::', port })];
    } catch (error) {
      if (isErrno(error, 'EAFNOSUPPORT') || isErrno(error, 'EADDRNOTAVAIL')) return [four];
      four.close();
      throw error;
    }
  }

  #close(key: string, port: number): void {
    this.#ports.delete(key);
    const listener = this.#listeners.get(port);
    this.#listeners.delete(port);
    if (listener) closeListener(listener);
  }
}

function closeListener({ tcp, http }: Listener): void {
  for (const server of tcp) server.close();
  http.closeAllConnections();
}

function respond(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const { status, headers, body } = answer(path);
  response.writeHead(status, {
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
    connection: 'close',
    ...headers,
  });
  response.end(`${JSON.stringify(body)}\n`);
}
