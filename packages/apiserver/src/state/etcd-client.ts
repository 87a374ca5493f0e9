import type { Agent, IncomingMessage } from 'node:http';
import https from 'node:https';
import { messageOf, PodwireError } from '@podwire/base';
import { http } from '../core/node-http.ts';

export interface EtcdAccess {
  /** `http://127.0.0.1:2379`; the next one is asked when one does not answer. */
  readonly servers: readonly string[];
  /** PEM texts, for https. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** etcd said no. `code` is that of gRPC. */
export class EtcdRefusal extends Error {
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** There was no answer, or none that says whether the request had an effect. */
export class EtcdSilence extends Error {}

/** Of gRPC: DEADLINE_EXCEEDED, ABORTED, INTERNAL, UNAVAILABLE, and CANCELLED and UNKNOWN, which etcd uses for them. */
const UNCERTAIN: ReadonlySet<number> = new Set([1, 2, 4, 10, 13, 14]);
const TIMEOUT = 5000;

/** The JSON gateway of etcd 3.4 and newer: keys and values in base64, 64-bit numbers as text. */
export class EtcdClient {
  readonly #servers: readonly URL[];
  readonly #agent: Agent;
  readonly #closed = new AbortController();
  #current = 0;

  /** Throws APISERVER_ETCD for what is no URL. */
  constructor({ servers, tls }: EtcdAccess) {
    this.#servers = servers.map(parseServer);
    if (this.#servers.length === 0) throw new PodwireError('APISERVER_ETCD', 'there are no etcd servers; name one');
    const isSecure = this.#servers[0]?.protocol === 'https:';
    this.#agent = isSecure ? new https.Agent({ keepAlive: true, ...tls }) : new http.Agent({ keepAlive: true });
  }

  /** One request and its answer. Throws EtcdRefusal and EtcdSilence. */
  async call<T>(path: string, body: object): Promise<T> {
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(TIMEOUT)]);
    const response = await this.#post(path, body, signal);
    const text = await this.#guarded(() => readAll(response));
    const answer = this.#parse(text) as T & Failure;
    if (response.statusCode !== 200) throw failureOf(answer);
    return answer;
  }

  /** The parts of an answer that goes on, until it ends or the client is closed. Throws as call. */
  async *stream<T>(path: string, body: object): AsyncGenerator<T> {
    const response = await this.#post(path, body, this.#closed.signal);
    response.socket.setKeepAlive(true, 10_000);
    let rest = '';
    try {
      for await (const chunk of response.setEncoding('utf8')) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line) yield this.#parse(line) as T;
      }
    } catch (error) {
      throw this.#silence(error);
    } finally {
      response.destroy();
    }
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  close(): void {
    this.#closed.abort();
    this.#agent.destroy();
  }

  #post(path: string, body: object, signal: AbortSignal): Promise<IncomingMessage> {
    const server = this.#servers[this.#current % this.#servers.length] as URL;
    const { request } = server.protocol === 'https:' ? https : http;
    return this.#guarded(
      () =>
        new Promise((resolve, reject) => {
          const headers = { 'content-type': 'application/json' };
          const options = { method: 'POST', agent: this.#agent, signal, headers };
          request(new URL(path, server), options, resolve).on('error', reject).end(JSON.stringify(body));
        }),
    );
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#silence(error);
    }
  }

  #silence(error: unknown): Error {
    this.#current++;
    return new EtcdSilence(messageOf(error), { cause: error });
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.#silence(error);
    }
  }
}

interface Failure {
  readonly error?: string;
  readonly message?: string;
  readonly code?: number;
}

function failureOf({ error, message = error ?? 'no reason given', code = 2 }: Failure): Error {
  return UNCERTAIN.has(code) ? new EtcdSilence(message) : new EtcdRefusal(message, code);
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function parseServer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new PodwireError('APISERVER_ETCD', `${JSON.stringify(text)} is no etcd server; write http://127.0.0.1:2379`);
}
