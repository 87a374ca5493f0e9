import { chmod, unlink } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import net, { type AddressInfo, type ListenOptions, type Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { messageOf } from '@podwire/base';
import { statusOf } from '@podwire/kube';
import type { Status } from 'kubernetes-types/meta/v1.js';
import { type Attributes, attributesOf } from '../authorization/attributes.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { AuditLog } from '../identity/audit-log.ts';
import { ADMIN, type Authenticator } from '../identity/authenticator.ts';
import { actingUser } from '../identity/impersonation.ts';
import type { ApiRequest, ApiResponse, Pki, Streams, User } from '../seam.ts';
import { compressed, compressor } from './compression.ts';
import { refuseConnection, statusText } from './connection-error.ts';
import { cannotListen } from './listen-error.ts';
import { type BodySource, RequestBodies } from './request-body.ts';
import { RequestQueue } from './request-queue.ts';
import type { RestApi } from './rest.ts';
import { badRequest, internalError, noSuchResource } from './status.ts';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;
/** Who a request comes from; throws 401. */
type Identify = (request: Request, path: string) => User;

export interface TransportParts {
  readonly api: RestApi;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** Gets a line for every request. */
  readonly audit?: AuditLog | undefined;
  readonly streams: Streams | undefined;
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
  readonly #parts: TransportParts;
  readonly #bodies = new RequestBodies();
  readonly #queue = new RequestQueue();
  readonly #servers = new Set<net.Server>();
  readonly #sockets = new Set<Duplex>();

  constructor(parts: TransportParts) {
    this.#parts = parts;
  }

  /**
   * Whoever may open the socket is admin, or with `tokens` whom a bearer token stands for: it is made with mode 0600. A
   * socket nobody listens on is replaced.
   */
  async listenUnix(path: string, { tokens = false } = {}): Promise<void> {
    const { authenticator } = this.#parts;
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
    const { authenticator } = this.#parts;
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

  #serve(server: http.Server | http2.Http2Server | http2.Http2SecureServer, identify: Identify): void {
    const emitter = server as http.Server;
    emitter.on('request', (request: Request, response: Response) => {
      // What cannot be said of an answer ends this exchange, not the server.
      this.#answer(request, { response, identify }).catch(() => response.destroy());
    });
    emitter.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, { socket, head, identify }),
    );
    emitter.on('sessionError', () => {});
    emitter.on('clientError', refuseConnection);
    emitter.on('session', keepAlive);
  }

  async #answer(request: Request, { response, identify }: { response: Response; identify: Identify }): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.on('error', () => gone.abort());
    let answer: ApiResponse;
    const audited = this.#audited(request, response);
    try {
      const url = urlOf(request);
      const user = this.#userOf(request, { identify, path: url.pathname, audited });
      // A body that arrives slowly must not keep others waiting.
      const body = await this.#bodies.read(request as BodySource);
      const leave = await this.#queue.enter(user);
      try {
        answer = await this.#parts.api.respond(apiRequest(request, { url, user, signal: gone.signal, body }));
      } finally {
        leave();
      }
    } catch (error) {
      answer = failed(error);
      dropRest(request, response);
    }
    await send(response, answer, request.headers['accept-encoding'] as string | undefined);
  }

  /** Whom the request acts as. Throws 401 and 403. */
  #userOf(request: Request, { identify, path, audited }: { identify: Identify; path: string; audited: Audited }): User {
    audited.user = identify(request, path);
    const acting = actingUser(audited.user, request.rawHeaders, this.#parts.authorizer);
    if (acting !== audited.user) audited.impersonator = audited.user;
    audited.user = acting;
    return acting;
  }

  /** Writes the line of the request when its answer has ended. */
  #audited(request: Request, answer: Ending): Audited {
    const { audit, api } = this.#parts;
    const audited: Audited = { user: undefined, impersonator: undefined };
    if (!audit) return audited;
    const started = new Date();
    const from = performance.now();
    const source = sourceOf(request);
    answer.once('close', () => {
      const duration = performance.now() - from;
      audit.write({
        ...audited,
        asked: askedFor(request, api),
        source,
        status: answer.statusCode,
        started,
        duration,
      });
    });
    return audited;
  }

  #upgrade(
    request: IncomingMessage,
    { socket, head, identify }: { socket: Duplex; head: Buffer; identify: Identify },
  ): void {
    socket.on('error', () => socket.destroy());
    const answer = { statusCode: 101, once: socket.once.bind(socket) };
    const audited = this.#audited(request, answer);
    try {
      const url = urlOf(request);
      const user = this.#userOf(request, { identify, path: url.pathname, audited });
      const { streams, api } = this.#parts;
      const path = api.pathOf(url.pathname);
      api.authorize({ method: request.method ?? 'GET', path: url.pathname, query: url.searchParams, user }, path);
      const { subresource } = path ?? {};
      if (!streams || path?.kind.id !== 'Pod') throw noSuchResource();
      if (subresource !== 'exec' && subresource !== 'attach' && subresource !== 'portforward')
        throw badRequest('nothing to upgrade to');
      streams.upgrade({ pod: api.podOf(path), subresource, query: url.searchParams }, request, socket, head);
    } catch (error) {
      const { status, body } = failed(error);
      answer.statusCode = status;
      socket.end(statusText(body as Status));
    }
  }
}

/** Who a request turned out to be from. */
interface Audited {
  user: User | undefined;
  impersonator: User | undefined;
}

/** An answer that tells when it is over. */
interface Ending {
  readonly statusCode: number;
  once(event: 'close', listener: () => void): unknown;
}

/** Absent on unix sockets, and when the connection is gone already. */
function sourceOf(request: Request): string | undefined {
  try {
    return request.socket.remoteAddress;
  } catch {
    return undefined;
  }
}

function askedFor(request: Request, api: RestApi): Attributes {
  const { method = 'GET' } = request;
  try {
    const { pathname: path, searchParams: query } = urlOf(request);
    return attributesOf({ method, path, query }, api.pathOf(path));
  } catch {
    return { verb: method.toLowerCase(), path: (request.url ?? '/').split('?')[0] ?? '/' };
  }
}

function urlOf({ url = '/' }: Request): URL {
  try {
    // A path of two slashes must not be taken for a host.
    return new URL(`http://server${url.startsWith('/') ? url : `/${url}`}`);
  } catch {
    throw badRequest('the URL of the request is malformed');
  }
}

function apiRequest(
  { method = 'GET', headers }: Request,
  { url, user, signal, body }: { url: URL; user: User; signal: AbortSignal; body: Buffer },
): ApiRequest {
  const { pathname: path, searchParams: query } = url;
  return { method, path, query, headers, user, signal, body: () => Promise.resolve(body) };
}

/** Throws away what still comes of a body nobody wants, and with HTTP/2 asks for no more of it (RFC 9113, section 8.1). */
function dropRest(request: Request, response: Response): void {
  if (request.readableEnded) return;
  request.on('error', () => {}).resume();
  if ('stream' in request) response.once('finish', () => request.stream.close(http2.constants.NGHTTP2_NO_ERROR));
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

function failed(error: unknown): ApiResponse {
  const status = statusOf(error) ?? statusOf(internalError(messageOf(error)));
  const seconds = status?.details?.retryAfterSeconds;
  const headers = seconds === undefined ? {} : { 'retry-after': String(seconds) };
  return { status: status?.code ?? 500, headers, body: status ?? {} };
}

async function send(response: Response, answer: ApiResponse, acceptEncoding: string | undefined): Promise<void> {
  const { status, headers = {}, body, stream, isCompressible = false } = answer;
  const isText = typeof body === 'string' || Buffer.isBuffer(body);
  const plain =
    body === undefined ? Buffer.alloc(0) : isText ? Buffer.from(body as string) : Buffer.from(JSON.stringify(body));
  const packed = stream ? undefined : await compressed(plain, acceptEncoding);
  if (response.destroyed || response.writableEnded) return void stream?.destroy();
  const bytes = packed ?? plain;
  const packing = isCompressible ? compressor(acceptEncoding) : undefined;
  const all = {
    'cache-control': 'no-cache, private',
    'content-type': isText ? 'text/plain' : 'application/json',
    ...(stream ? {} : { 'content-length': String(bytes.length) }),
    ...(packed || packing ? { 'content-encoding': 'gzip', vary: 'Accept-Encoding' } : {}),
    ...headers,
  } as http.OutgoingHttpHeaders;
  (response as ServerResponse).writeHead(status, all);
  if (!stream) return void response.end(bytes);
  (response as ServerResponse).flushHeaders();
  const pieces = packing ? [stream, packing] : [stream];
  pipeline([...pieces, response as ServerResponse], () => stream.destroy());
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
