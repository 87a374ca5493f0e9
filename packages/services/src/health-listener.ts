import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket, Server as TcpServer } from 'node:net';
import { messageOf } from '@podwire/base';
import { isErrno, listenTcp, type Netns } from '@podwire/kernel';
import type { HealthAnswer } from './health-answer.ts';

interface HealthListenerOptions {
  readonly netns: Netns | undefined;
  readonly port: number;
  /** For whom, in words. */
  readonly what: string;
  readonly answer: (path: string) => HealthAnswer;
}

/** Of the connections of one port: how long each may last in ms, and how many there may be. */
export const CONNECTIONS = { lifetime: 5000, most: 256 } as const;

/**
 * One port that answers HTTP GET, on all addresses of the node. Anybody may connect: a connection has ended after
 * `CONNECTIONS.lifetime` whatever was said on it, and the oldest one makes room for one too many.
 */
export class HealthListener {
  readonly what: string;
  /** Why the port is not open, for people. */
  problem: string | undefined;
  readonly #options: HealthListenerOptions;
  readonly #http: Server;
  /** One per family. */
  #tcp: readonly TcpServer[] = [];
  #closed = false;

  /** Oldest first. */
  readonly #sockets = new Set<Socket>();

  constructor(options: HealthListenerOptions) {
    this.what = options.what;
    this.#options = options;
    // an import would load all that Node's http can do, fetch and WebSocket among it, into every agent without such a port
    const { createServer } = process.getBuiltinModule('node:http');
    this.#http = createServer((request, response) => respond(request, response, options.answer));
  }

  /** Never throws: see `problem`. */
  async open(): Promise<void> {
    const { port } = this.#options;
    try {
      const tcp = await this.#listen();
      this.problem = undefined;
      if (this.#closed) for (const server of tcp) server.close();
      else this.#tcp = tcp;
    } catch (error) {
      this.problem = `${this.what}: health port ${port} cannot be opened: ${messageOf(error)}; free it, or choose another`;
    }
  }

  /** Connections end with it. */
  close(): void {
    this.#closed = true;
    for (const server of this.#tcp) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** On all addresses of both families, or of IPv4 on a node without IPv6. */
  async #listen(): Promise<TcpServer[]> {
    const four = await this.#listenAt('0.0.0.0');
    try {
      return [four, await this.#listenAt('::')];
    } catch (error) {
      if (isErrno(error, 'EAFNOSUPPORT') || isErrno(error, 'EADDRNOTAVAIL')) return [four];
      four.close();
      throw error;
    }
  }

  async #listenAt(address: string): Promise<TcpServer> {
    const { netns, port } = this.#options;
    const server = await listenTcp({ netns, address, port });
    return server.on('connection', (socket) => this.#accept(socket)).unref();
  }

  #accept(socket: Socket): void {
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    // the time-outs of an http.Server are those of one that listens itself, which this one does not
    const end = setTimeout(() => socket.destroy(), CONNECTIONS.lifetime);
    socket.once('close', () => {
      clearTimeout(end);
      this.#sockets.delete(socket);
    });
    if (this.#sockets.size > CONNECTIONS.most) this.#endOldest();
    this.#http.emit('connection', socket);
  }

  #endOldest(): void {
    const [oldest] = this.#sockets;
    if (!oldest) return;
    oldest.destroy();
    // not only when it says so: more may come before
    this.#sockets.delete(oldest);
  }
}

function respond(request: IncomingMessage, response: ServerResponse, answer: HealthListenerOptions['answer']): void {
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
