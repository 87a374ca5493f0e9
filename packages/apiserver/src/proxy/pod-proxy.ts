import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '@podwire/base';
import type { ResourcePath } from '../core/request-path.ts';
import { methodNotAllowed, tooManyRequests, unavailable } from '../core/status.ts';
import type { Store } from '../core/store.ts';
import type { ApiRequest, ApiResponse, Streams } from '../seam.ts';
import { type Backend, backendOf } from './backend.ts';
import { dialText, inTime } from './dialing.ts';
import { answeredHeaders, forwardedHeaders } from './headers.ts';
import { type Answered, askThrough, bodyOf, headText, type Proxied } from './proxied-request.ts';

/** A connection that a client wants for another protocol. */
export interface Upgrade {
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** Requests that may wait for pods at a time, so that slow pods leave the server to others. */
const MOST = 64;

/**
 * `pods/NAME/proxy/PATH`, and the same of services and nodes: requests to pods and nodes, through whoever runs them.
 *
 *     client ─▶ authorized as get, create ... of pods/proxy ─▶ PodProxy ─▶ Streams.connect(pod, port) ─▶ the pod's HTTP
 */
export class PodProxy {
  readonly #store: Store;
  readonly #streams: Streams | undefined;
  #waiting = 0;

  constructor(store: Store, streams: Streams | undefined) {
    this.#store = store;
    this.#streams = streams;
  }

  /** Throws 400, 404, 405, 429 and 503. */
  async respond(request: ApiRequest, path: ResourcePath): Promise<ApiResponse> {
    const { rest = '' } = path;
    const search = request.search ?? '';
    if (!METHODS.includes(request.method)) throw methodNotAllowed();
    const backend = backendOf(this.#store, path);
    if (rest === '') return { status: 301, headers: { location: `${request.path}/${search}` }, body: '' };
    const { method, headers, signal } = request;
    const sent = { method, path: rest + search, headers: forwardedHeaders(headers, request.path), signal };
    const { answered, connection } = await this.#ask(backend, { ...sent, body: await request.body() });
    const { message } = answered;
    const prefix = request.path.slice(0, -rest.length);
    return {
      status: message.statusCode ?? 502,
      headers: answeredHeaders(message.headers, prefix, String(sent.headers.host)),
      stream: bodyOf(message, connection),
    };
  }

  /**
   * Connects the client with the pod when that takes the upgrade, else gives its answer; resolves with the status of what
   * was answered. Throws what respond() does.
   */
  async upgrade({ url, request, socket, head }: Upgrade, path: ResourcePath): Promise<number> {
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    const backend = backendOf(this.#store, path);
    const { method = 'GET', headers } = request;
    const asked = { connection: 'Upgrade', upgrade: headers.upgrade };
    const { answered, connection } = await this.#ask(backend, {
      method,
      path: (path.rest || '/') + url.search,
      headers: { ...forwardedHeaders(headers, url.pathname), ...asked },
      body: Buffer.alloc(0),
      signal: gone.signal,
    });
    const { message, upgraded } = answered;
    if (!upgraded) {
      // What the client sends after this is no request: it would go to the pod unseen.
      socket.write(headText(message, { ...answeredHeaders(message.headers, '', ''), connection: 'close' }));
      pipeline(bodyOf(message, connection), socket).catch(() => {});
      return message.statusCode ?? 502;
    }
    socket.write(headText(message, message.headers));
    if (upgraded.head.length > 0) socket.write(upgraded.head);
    if (head.length > 0) upgraded.socket.write(head);
    connect(socket, upgraded.socket);
    return 101;
  }

  async #ask(
    backend: Backend,
    sent: Omit<Proxied, 'isTls'>,
  ): Promise<{ readonly answered: Answered; readonly connection: Duplex }> {
    if (this.#waiting >= MOST) throw tooManyRequests();
    this.#waiting++;
    try {
      const connection = await this.#connect(backend, sent.signal);
      return { answered: await askThrough(connection, { ...sent, isTls: backend.isTls }), connection };
    } finally {
      this.#waiting--;
    }
  }

  async #connect(backend: Backend, signal: AbortSignal): Promise<Duplex> {
    try {
      if (!this.#streams) throw new Error('this API server runs no pods');
      return await inTime(backend.connect(this.#streams), signal);
    } catch (error) {
      throw unavailable(`error trying to reach service: ${dialText(messageOf(error), backend.address)}`);
    }
  }
}

/** Both ways, until one side is gone. */
function connect(client: Duplex, pod: Duplex): void {
  client.pipe(pod).pipe(client);
  client.once('close', () => pod.destroy()).on('error', () => {});
  pod.once('close', () => client.end()).on('error', () => {});
}
