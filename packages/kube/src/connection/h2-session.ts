import http2 from 'node:http2';
import type { Socket } from 'node:net';
import type { Timeouts } from './endpoint.ts';
import type { Exchange, Headers, Reply, Session } from './session.ts';

const WINDOW = 8 * 1024 * 1024;

/** All requests and watches multiplexed over one connection. A peer that does not answer pings is taken for lost. */
export class H2Session implements Session {
  readonly protocol = 'h2';
  readonly #session: http2.ClientHttp2Session;

  constructor(authority: string, socket: Socket, timeouts: Timeouts) {
    const settings = { initialWindowSize: WINDOW, enablePush: false };
    const session = http2.connect(authority, { settings, createConnection: () => socket });
    this.#session = session;
    // Each stream reports the loss to its caller; the session's own event would otherwise be uncaught.
    session.on('error', () => {});
    session.once('connect', () => session.setLocalWindowSize(2 * WINDOW));
    const pinging = setInterval(() => ping(session, timeouts.pingTimeout), timeouts.pingInterval).unref();
    session.once('close', () => clearInterval(pinging));
  }

  get usable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  send(exchange: Exchange, headers: Headers, signal: AbortSignal | undefined): Promise<Reply> {
    const { method, path, body } = exchange;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stream = this.#session.request(
        { ...headers, ':method': method, ':path': path },
        { endStream: body === undefined },
      );
      const abort = () => stream.close(http2.constants.NGHTTP2_CANCEL);
      signal?.addEventListener('abort', abort, { once: true });
      stream.once('response', (head) => {
        signal?.removeEventListener('abort', abort);
        const { ':status': status = 0, ...rest } = head;
        resolve({ status, headers: rest as Reply['headers'], body: stream });
      });
      stream.on('error', reject);
      // After 'response' this changes nothing; a reset without an error event ends here.
      stream.once('close', () => {
        signal?.removeEventListener('abort', abort);
        reject(new Error('the connection was reset'));
      });
      if (body !== undefined) stream.end(body);
    });
  }

  destroy(): void {
    this.#session.destroy();
  }
}

function ping(session: http2.ClientHttp2Session, timeout: number): void {
  if (session.destroyed || session.closed) return;
  const late = setTimeout(() => session.destroy(new Error('the server does not answer pings')), timeout).unref();
  session.ping(() => clearTimeout(late));
}
