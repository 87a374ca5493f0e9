import http2 from 'node:http2';
import net from 'node:net';
import { messageOf, PodwireError } from '@podwire/base';

export interface Endpoint {
  /** `https://host:port`; or use socketPath. */
  readonly url?: string;
  /** A unix socket with cleartext HTTP/2. */
  readonly socketPath?: string;
  /** PEM. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

const CONNECT_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 60_000;
/** A connection that does not answer a ping is half open: the peer is gone without a word. */
const PING_INTERVAL = 15_000;
const PING_TIMEOUT = 10_000;
const WINDOW = 8 * 1024 * 1024;

/** One HTTP/2 connection for all requests and watches, made when needed and made again after a loss. */
export class H2Connection {
  readonly #endpoint: Endpoint;
  #session: http2.ClientHttp2Session | undefined;
  #closed = false;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** One request with its whole answer. Throws KUBE_UNAVAILABLE. */
  request(exchange: Exchange): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.#open(exchange);
      const chunks: Buffer[] = [];
      let status = 0;
      const fail = (error: unknown) => reject(this.#unavailable(error));
      stream.setTimeout(REQUEST_TIMEOUT, () => stream.destroy(new Error(`no answer for ${REQUEST_TIMEOUT / 1000} s`)));
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', fail);
      stream.on('end', () => resolve({ status, body: Buffer.concat(chunks) }));
      // After 'end' this changes nothing; a reset without an error event ends here.
      stream.on('close', () => fail(new Error('the connection was reset')));
    });
  }

  /**
   * A request whose answer arrives in pieces: chunks go to onChunk until the server ends (resolves with the status) or
   * the connection is lost (KUBE_UNAVAILABLE). `idle` is the longest silence in ms.
   */
  stream(exchange: Exchange, { onChunk, signal, idle }: StreamOptions): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.#open(exchange);
      let status = 0;
      const errorBody: Buffer[] = [];
      const abort = () => stream.close(http2.constants.NGHTTP2_CANCEL);
      const settle = (act: () => void) => {
        signal?.removeEventListener('abort', abort);
        act();
      };
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
      stream.setTimeout(idle, () => stream.destroy(new Error(`nothing was heard for ${idle / 1000} s`)));
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('data', (chunk: Buffer) => {
        if (signal?.aborted) return;
        if (status !== 200) return void errorBody.push(chunk);
        try {
          onChunk(chunk);
        } catch (error) {
          settle(() => reject(error));
          abort();
        }
      });
      stream.on('end', () => settle(() => resolve({ status, body: Buffer.concat(errorBody) })));
      stream.on('error', (error) =>
        settle(() => (signal?.aborted ? resolve({ status, body: Buffer.alloc(0) }) : reject(this.#unavailable(error)))),
      );
      stream.on('close', () =>
        settle(() =>
          signal?.aborted
            ? resolve({ status, body: Buffer.alloc(0) })
            : reject(this.#unavailable(new Error('the connection was reset'))),
        ),
      );
    });
  }

  close(): void {
    this.#closed = true;
    this.#session?.destroy();
  }

  #open({ method, path, contentType, body }: Exchange): http2.ClientHttp2Stream {
    const { token } = this.#endpoint;
    const stream = this.#connected().request(
      {
        ':method': method,
        ':path': path,
        accept: 'application/json',
        'user-agent': 'podwire',
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    return stream;
  }

  #connected(): http2.ClientHttp2Session {
    if (this.#closed) throw new PodwireError('KUBE_UNAVAILABLE', 'the client is closed');
    const present = this.#session;
    if (present && !present.closed && !present.destroyed) return present;
    const session = this.#connect();
    this.#session = session;
    return session;
  }

  #connect(): http2.ClientHttp2Session {
    const { url = 'http://localhost', socketPath, ca, cert, key } = this.#endpoint;
    const tls = { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
    const options = { settings: { initialWindowSize: WINDOW, enablePush: false }, ...tls };
    const session = socketPath
      ? http2.connect(url, { ...options, createConnection: () => net.connect(socketPath) })
      : http2.connect(url, options);
    // Each stream reports the loss to its caller; the session's own event would otherwise be uncaught.
    session.on('error', () => {});
    const connecting = setTimeout(
      () => session.destroy(new Error(`no connection within ${CONNECT_TIMEOUT / 1000} s`)),
      CONNECT_TIMEOUT,
    );
    session.once('connect', () => {
      clearTimeout(connecting);
      session.setLocalWindowSize(2 * WINDOW);
    });
    const pinging = setInterval(() => ping(session), PING_INTERVAL).unref();
    session.once('close', () => {
      clearTimeout(connecting);
      clearInterval(pinging);
    });
    return session;
  }

  #unavailable(cause: unknown): PodwireError {
    if (cause instanceof PodwireError) return cause;
    const where = this.#endpoint.socketPath ?? this.#endpoint.url;
    const why = `no answer from the API server at ${where}: ${messageOf(cause)}; check that it runs and is reachable`;
    return new PodwireError('KUBE_UNAVAILABLE', why, { cause });
  }
}

export interface StreamOptions {
  readonly onChunk: (chunk: Buffer) => void;
  readonly signal: AbortSignal | undefined;
  readonly idle: number;
}

function ping(session: http2.ClientHttp2Session): void {
  if (session.destroyed || session.closed) return;
  const late = setTimeout(() => session.destroy(new Error('the server does not answer pings')), PING_TIMEOUT).unref();
  session.ping(() => clearTimeout(late));
}
