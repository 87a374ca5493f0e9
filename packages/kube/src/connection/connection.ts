import { messageOf, PodwireError } from '@podwire/base';
import { type Credential, type CredentialSource, credentialSource } from '../credentials/credential.ts';
import { dial } from './dial.ts';
import { type Endpoint, impersonationHeaders, placeOf, TIMEOUTS, type Timeouts } from './endpoint.ts';
import { H1Session } from './h1-session.ts';
import { H2Session } from './h2-session.ts';
import type { Exchange, Reply, Session } from './session.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Reply['headers'];
  readonly body: Buffer;
}

interface Attempt {
  readonly reply: Reply;
  /** The one it was made on. */
  readonly session: Session;
}

export interface StreamOptions {
  /** Called at the head of a 200. */
  readonly opened?: (() => void) | undefined;
  readonly onChunk: (chunk: Buffer) => void;
  readonly signal: AbortSignal;
}

/**
 * All requests and watches to one API server, made when needed and made again after a loss.
 *
 *   request ─┐                      ┌─ HTTP/2: one connection, many streams
 *            ├─▶ credential ─▶ dial ┤
 *   watch ───┘   (401: anew)        └─ HTTP/1.1: a connection per request under way
 */
export class Connection {
  readonly timeouts: Timeouts;
  readonly #endpoint: Endpoint;
  /** Of servers that are reached through a gateway, e.g. /k8s/clusters/c-1. */
  readonly #prefix: string;
  readonly #closed = new AbortController();
  #credentials: Promise<CredentialSource> | undefined;
  #session: Promise<Session> | undefined;
  #usable: Session | undefined;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.#prefix = new URL(endpoint.url ?? 'http://localhost').pathname.replace(/\/$/, '');
    this.timeouts = { ...TIMEOUTS, ...endpoint.timeouts };
  }

  /** One request with its whole answer, whatever its status. Throws KUBE_UNAVAILABLE; the signal's reason when aborted. */
  async request(exchange: Exchange, signal?: AbortSignal): Promise<Answer> {
    const reply = await this.#send(exchange, signal);
    const chunks: Buffer[] = [];
    await this.#read(reply, { idle: this.timeouts.request, signal, onChunk: (chunk) => chunks.push(chunk) });
    return { status: reply.status, headers: reply.headers, body: Buffer.concat(chunks) };
  }

  /**
   * A request whose answer arrives in pieces: chunks of a 200 go to onChunk until the server ends or the signal is aborted
   * (both resolve). Throws KUBE_UNAVAILABLE, or what onChunk threw.
   */
  async stream(exchange: Exchange, { opened, onChunk, signal }: StreamOptions): Promise<Answer> {
    const errorBody: Buffer[] = [];
    let reply: Reply | undefined;
    try {
      reply = await this.#send(exchange, signal);
      const { status } = reply;
      if (status === 200 && !signal.aborted) opened?.();
      const take = (chunk: Buffer) => (status === 200 ? onChunk(chunk) : void errorBody.push(chunk));
      await this.#read(reply, { idle: this.timeouts.watchSilence, signal, onChunk: take });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return { status: reply?.status ?? 0, headers: reply?.headers ?? {}, body: Buffer.concat(errorBody) };
  }

  close(): void {
    this.#closed.abort(new PodwireError('KUBE_UNAVAILABLE', 'the client is closed'));
    this.#usable?.destroy();
  }

  /** A 401 with credentials that change is asked once more with new ones. */
  async #send(exchange: Exchange, signal: AbortSignal | undefined): Promise<Reply> {
    this.#credentials ??= credentialSource(this.#endpoint);
    const source = await this.#credentials;
    const { reply, session } = await this.#attempt(exchange, await source.current(), signal);
    const hasCertFile = this.#endpoint.certFile !== undefined;
    if (reply.status !== 401 || !(source.refused() || hasCertFile)) return reply;
    reply.body.resume();
    const credential = await source.current();
    // A certificate belongs to the connection, be it in a file that has another one now.
    if (credential.cert !== undefined || hasCertFile) this.#drop(session);
    return (await this.#attempt(exchange, credential, signal)).reply;
  }

  async #attempt(exchange: Exchange, credential: Credential, signal: AbortSignal | undefined): Promise<Attempt> {
    const { accept = 'application/json', contentType } = exchange;
    const { authorization } = credential;
    const headers = {
      accept,
      'user-agent': 'podwire',
      ...(contentType !== undefined && { 'content-type': contentType }),
      ...(authorization !== undefined && { authorization }),
      ...impersonationHeaders(this.#endpoint.impersonate),
    };
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    const late = setTimeout(() => stop.abort(new Error(silence(this.timeouts.request))), this.timeouts.request);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    try {
      const session = await unlessAborted(this.#connected(credential), stop.signal);
      const asked = session.send({ ...exchange, path: this.#prefix + exchange.path }, headers, stop.signal);
      return { reply: await unlessAborted(asked, stop.signal), session };
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw this.#unavailable(cause);
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', abort);
    }
  }

  #read(
    { body }: Reply,
    { idle, signal, onChunk }: { idle: number; signal: AbortSignal | undefined; onChunk: (chunk: Buffer) => void },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => body.destroy();
      const silent = () => body.destroy(new Error(silence(idle)));
      const timer = setTimeout(silent, idle);
      const settle = (act: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        act();
      };
      const lost = (error: Error) => settle(() => reject(signal?.aborted ? signal.reason : this.#unavailable(error)));
      body.on('data', (chunk: Buffer) => {
        if (signal?.aborted) return;
        timer.refresh();
        try {
          onChunk(chunk);
        } catch (error) {
          settle(() => reject(error));
          body.destroy();
        }
      });
      body.on('end', () => settle(resolve));
      body.on('error', lost);
      // After 'end' this changes nothing; a reset without an error event ends here.
      body.on('close', () => lost(new Error('the connection was reset')));
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
    });
  }

  async #connected(credential: Credential): Promise<Session> {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
    if (this.#usable?.usable) return this.#usable;
    this.#usable = undefined;
    this.#session ??= this.#connect(credential).finally(() => {
      this.#session = undefined;
    });
    this.#usable = await this.#session;
    return this.#usable;
  }

  async #connect(credential: Credential): Promise<Session> {
    const { url = 'http://localhost' } = this.#endpoint;
    const authority = new URL(url).host;
    const { socket, protocol } = await this.#dial(credential);
    if (protocol === 'h2') return new H2Session(new URL(url).origin, socket, this.timeouts);
    return new H1Session(authority, socket, async () => (await this.#dial(credential)).socket);
  }

  async #dial(credential: Credential) {
    const { connect } = this.timeouts;
    const late = AbortSignal.timeout(connect);
    try {
      return await dial(this.#endpoint, credential, AbortSignal.any([late, this.#closed.signal]));
    } catch (cause) {
      throw late.aborted ? new Error(`no connection within ${connect / 1000} s`) : cause;
    }
  }

  /** Unless another request has dropped it already: what came after it is good. */
  #drop(session: Session): void {
    if (this.#usable !== session) return;
    session.destroy();
    this.#usable = undefined;
  }

  #unavailable(cause: unknown): PodwireError {
    if (cause instanceof PodwireError) return cause;
    const why = `no answer from the API server at ${placeOf(this.#endpoint)}: ${messageOf(cause)}; ${advice(cause)}`;
    return new PodwireError('KUBE_UNAVAILABLE', why, { cause });
  }
}

const silence = (ms: number): string => `nothing was heard for ${ms / 1000} s`;

/** The connection that is being made is shared: it goes on for others when one of those who wait gives up. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
  });
}

function advice(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))
    return 'check certificate-authority and tls-server-name of the cluster in the kubeconfig';
  return 'check that it runs and is reachable';
}
