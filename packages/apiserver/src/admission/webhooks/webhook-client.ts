import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { messageOf } from '@podwire/base';
import type { Store } from '../../core/store.ts';
import { answerFailure, connectionFailure } from './call-words.ts';
import { type Destination, destinationOf } from './service-destination.ts';
import type { ClientConfig, Webhook } from './webhook.ts';
import { CallFailure } from './webhook-failure.ts';

/** Of an answer, in bytes. */
const ANSWER_LIMIT = 8 * 1024 * 1024;

/** One request. */
interface Call {
  readonly url: URL;
  readonly to: Destination;
  /** In the certificate; absent: the host of the URL. */
  readonly servername?: string;
  readonly ca?: string;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** Asks webhooks over HTTPS; connections are used again. */
export class WebhookClient {
  readonly #store: Store;
  readonly #agent = new https.Agent({ keepAlive: true });

  constructor(store: Store) {
    this.#store = store;
  }

  /** What the webhook answered to the text, as data. Throws CallFailure. */
  async ask({ clientConfig, timeoutSeconds }: Webhook, body: string): Promise<unknown> {
    const url = urlOf(clientConfig, timeoutSeconds);
    const authority = authorityOf(clientConfig);
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    try {
      const call = { ...this.#destination(clientConfig), ...authority, url, body, signal };
      return await this.#send(call);
    } catch (error) {
      const shown = clientConfig.service ? url.href.replace(url.host, `${url.hostname}:${url.port || 443}`) : url.href;
      const why = error instanceof Unreachable ? `Post ${JSON.stringify(shown)}: ${error.message}` : messageOf(error);
      throw new CallFailure(`failed to call webhook: ${why}`);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #destination({ service, url = '' }: ClientConfig): Pick<Call, 'to' | 'servername'> {
    if (service) {
      const to = destinationOf(this.#store, service);
      if ('why' in to) throw new Unreachable(to.why);
      return { to, servername: `${service.name}.${service.namespace}.svc` };
    }
    const { hostname, port } = new URL(url);
    return { to: { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) } };
  }

  /** Once more when the connection, used before, was given up by the other side at the same time. */
  async #send(call: Call): Promise<unknown> {
    const first = await this.#attempt(call);
    const answer = first === 'stale' ? await this.#attempt(call) : first;
    if (answer === 'stale') throw new Unreachable('EOF');
    const { status, text } = answer;
    if (status < 200 || status > 299) throw new Error(answerFailure(status, text));
    return parsed(text);
  }

  #attempt({ url, to, servername, ca, body, signal }: Call): Promise<Answer | 'stale'> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer | 'stale'>();
    const headers = {
      host: url.host,
      accept: 'application/json',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'podwire-apiserver/admission',
    };
    const tls = { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) } as const;
    const named = servername === undefined ? {} : { servername };
    const path = `${url.pathname}${url.search}`;
    const options = { ...to, path, method: 'POST', headers, agent: this.#agent, signal, ...tls, ...named };
    const request = https.request(options);
    const fail = (error: Error) => reject(new Unreachable(connectionFailure(error, to, signal)));
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) resolve('stale');
      else fail(error);
    });
    request.on('response', (response) => void readAnswer(response).then(resolve, fail));
    request.end(body);
    return promise;
  }
}

/** No answer came. */
class Unreachable extends Error {}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ANSWER_LIMIT) throw new Error(`the answer is longer than ${ANSWER_LIMIT} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
}

function urlOf({ url, service }: ClientConfig, seconds: number): URL {
  const { namespace = '', name = '', port = 443, path = '/' } = service ?? {};
  const found = parsedUrl(service ? `https://${name}.${namespace}.svc` : (url ?? ''));
  if (service) Object.assign(found, { port, pathname: path });
  found.searchParams.set('timeout', `${seconds}s`);
  return found;
}

function parsedUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'https:') return url;
  throw new CallFailure(`could not get REST client: Unparsable webhook URL: ${JSON.stringify(text)}`);
}

/** The certificates the webhook's own is checked with; none: those of the system. */
function authorityOf({ caBundle }: ClientConfig): { readonly ca?: string } {
  if (!caBundle) return {};
  const ca = Buffer.from(caBundle, 'base64').toString();
  if (ca.includes('-----BEGIN CERTIFICATE-----')) return { ca };
  throw new CallFailure(
    'could not get REST client: unable to load root certificates: unable to parse bytes as PEM block',
  );
}
