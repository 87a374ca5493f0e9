import { chmod, unlink } from 'node:fs/promises';
import type { IncomingMessage, Server } from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo, type ListenOptions, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ADMIN, type Authenticator } from '../identity/authenticator.ts';
import type { Pki } from '../seam.ts';
import { refuseConnection } from './connection-error.ts';
import { type ExchangeParts, Exchanges, type Identify } from './exchange.ts';
import type { Request, Response } from './http-request.ts';
import { cannotListen } from './listen-error.ts';
import { http } from './node-http.ts';

export interface TransportParts extends ExchangeParts {
  readonly authenticator: Authenticator;
}

const PING_INTERVAL = 30_000;
/** Of HTTP/1.1 and TLS: what does not arrive in time is not waited for, in ms. */
const HANDSHAKE_TIMEOUT = 10_000;
const HEADERS_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 60_000;
const SETTINGS = { initialWindowSize: 1024 * 1024, maxConcurrentStreams: 1000 };
/** How long open exchanges may take to end when the server stops, in ms. */
const GRACE = 250;

/** Listeners of the API: cleartext HTTP/1.1 and HTTP/2 on unix sockets, both over TLS on TCP. */
export class Transport {
  readonly #authenticator: Authenticator;
  readonly #exchanges: Exchanges;
  readonly #servers = new Set<net.Server>();
  readonly #sockets = new Set<Duplex>();

  constructor({ authenticator, ...parts }: TransportParts) {
    this.#authenticator = authenticator;
    this.#exchanges = new Exchanges(parts);
  }

  /**
   * Whoever may open the socket is admin, or with `tokens` whom a bearer token stands for: it is made with mode 0600. A
   * socket nobody listens on is replaced.
   */
  async listenUnix(path: string, { tokens = false } = {}): Promise<void> {
    const authenticator = this.#authenticator;
    const identify: Identify = tokens
      ? ({ socket, headers: { authorization } }, at) => authenticator.authenticate({ socket, authorization, path: at })
      : () => ADMIN;
    const h1 = http.createServer();
    const h2 = http2.createServer({ settings: SETTINGS });
    this.#serve(h1, identify);
    this.#serve(h2, identify);
    const server = net.createServer((socket) => {
      this.#track(socket);
      socket.once('data', (chunk) => {
        socket.pause();
        socket.unshift(chunk);
        // The preface of HTTP/2 (RFC 9113, section 3.4) begins with PRI.
        if (chunk.subarray(0, 3).toString('latin1') === 'PRI') {
          // Reads what is buffered by itself and then from the file descriptor: the socket must stay paused.
          h2.emit('connection', socket);
          return;
        }
        h1.emit('connection', socket);
        socket.resume();
      });
    });
    await this.#listen(server, { path }).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' || (await answers(path))) throw error;
      await unlink(path);
      await this.#listen(server, { path });
    });
    await chmod(path, 0o600);
  }

  /** Resolves with the port. */
  async listenHttps(
    where: { readonly address: string; readonly port: number } | { readonly fd: number },
    pki: Pki,
  ): Promise<number> {
    const authenticator = this.#authenticator;
    const server = http2.createSecureServer({
      allowHTTP1: true,
      settings: SETTINGS,
      ca: pki.ca,
      cert: pki.serving.cert,
      key: pki.serving.key,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_TIMEOUT,
    });
    Object.assign(server, { headersTimeout: HEADERS_TIMEOUT, requestTimeout: REQUEST_TIMEOUT });
    this.#serve(server, (request, path) => {
      const socket = 'stream' in request ? (request.stream.session?.socket ?? request.socket) : request.socket;
      return authenticator.authenticate({
        socket: socket as Socket,
        authorization: request.headers.authorization,
        path,
      });
    });
    server.on('secureConnection', (socket) => this.#track(socket));
    // A failed handshake is the client's affair.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    await this.#listen(server, 'fd' in where ? where : { host: where.address, port: where.port }).catch((error) => {
      throw 'fd' in where ? error : cannotListen(where, error);
    });
    return (server.address() as AddressInfo | null)?.port ?? 0;
  }

  async close(): Promise<void> {
    const closing = [...this.#servers].map((server) => new Promise((resolve) => server.close(resolve)));
    const cut = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, GRACE);
    await Promise.all(closing);
    clearTimeout(cut);
    for (const socket of this.#sockets) socket.destroy();
  }

  #track(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (socket instanceof net.Socket) socket.setKeepAlive(true, PING_INTERVAL);
  }

  #listen(server: net.Server, options: ListenOptions | { readonly fd: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(options, () => {
        server.removeListener('error', reject);
        this.#servers.add(server);
        resolve();
      });
    });
  }

  #serve(server: Server | http2.Http2Server | http2.Http2SecureServer, identify: Identify): void {
    const emitter = server as Server;
    emitter.on('request', (request: Request, response: Response) => {
      // What cannot be said of an answer ends this exchange, not the server.
      this.#exchanges.answer(request, response, identify).catch(() => response.destroy());
    });
    emitter.on(
      'upgrade',
      (request: IncomingMessage, socket: Duplex, head: Buffer) =>
        void this.#exchanges.upgrade(request, { socket, head }, identify),
    );
    emitter.on('sessionError', () => {});
    emitter.on('clientError', refuseConnection);
    emitter.on('session', keepAlive);
  }
}

/** Ends sessions whose other side is gone without a word. */
function keepAlive(session: http2.ServerHttp2Session): void {
  // Of a process that stood still, timers are called before answers are read: one missing answer says nothing.
  let missing = 0;
  const timer = setInterval(() => {
    if (missing++ > 1) return session.destroy();
    session.ping(() => {
      missing = 0;
    });
  }, PING_INTERVAL).unref();
  session.once('close', () => clearInterval(timer));
}

/** Whether somebody accepts connections on the unix socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
