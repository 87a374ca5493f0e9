import type { ClientRequestArgs } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Exchange, Headers, Reply, Session } from './session.ts';

// an import of it would also load what it has of WebSocket and fetch, for good, in every process with a client
const http = process.getBuiltinModule('node:http');

/** HTTP/1.1: a connection for each request that is under way, kept for the next. */
export class H1Session implements Session {
  readonly protocol = 'http/1.1';
  readonly #authority: string;
  readonly #agent: DialAgent;
  #destroyed = false;

  /** `first`: a connection that stands already; `dial` makes further ones. */
  constructor(authority: string, first: Socket, dial: () => Promise<Socket>) {
    this.#authority = authority;
    this.#agent = new DialAgent(first, dial);
  }

  get usable(): boolean {
    return !this.#destroyed;
  }

  send(exchange: Exchange, headers: Headers, signal: AbortSignal | undefined): Promise<Reply> {
    const { method, path, body } = exchange;
    return new Promise((resolve, reject) => {
      // Node would leave the length of a DELETE's body unsaid.
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
      const all = { host: this.#authority, ...headers, ...length };
      const options = { agent: this.#agent, method, path, headers: all };
      const request = http.request(signal ? { ...options, signal } : options, (body) => {
        // What is lost later is the reader's affair.
        body.on('error', () => {});
        resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  destroy(): void {
    this.#destroyed = true;
    this.#agent.destroy();
  }
}

class DialAgent extends http.Agent {
  #first: Socket | undefined;
  readonly #dial: () => Promise<Socket>;

  constructor(first: Socket, dial: () => Promise<Socket>) {
    super({ keepAlive: true, keepAliveMsecs: 15_000 });
    this.#first = first;
    this.#dial = dial;
    first.on('error', () => {});
  }

  override createConnection(
    _options: ClientRequestArgs,
    connected?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const first = this.#first;
    this.#first = undefined;
    if (first && !first.destroyed) return first;
    this.#dial().then(
      (socket) => connected?.(null, socket),
      (error) => connected?.(error as Error, undefined as unknown as Duplex),
    );
    return undefined;
  }

  override destroy(): void {
    this.#first?.destroy();
    super.destroy();
  }
}
