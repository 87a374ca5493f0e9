import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { type Duplex, Transform } from 'node:stream';
import tls from 'node:tls';
import { messageOf } from '@podwire/base';
import { http } from '../core/node-http.ts';
import { unavailable } from '../core/status.ts';

/** What is sent to a pod. */
export interface Proxied {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  readonly isTls: boolean;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

/** An answer that has begun; `socket` is there when the pod took an upgrade. */
export interface Answered {
  readonly message: IncomingMessage;
  readonly upgraded?: { readonly socket: Duplex; readonly head: Buffer };
}

/** How long a pod may take to begin its answer, and to go on with it, in ms. */
const FIRST_BYTE = 60_000;
const SILENCE = 10 * 60_000;
const MAX_HEADERS = 64 * 1024;

/** Sends a request through a connection that is used for nothing else. Throws 503. */
export async function askThrough(connection: Duplex, proxied: Proxied): Promise<Answered> {
  const { method, path, headers, body, isTls, signal } = proxied;
  // The pod's certificate is for names that nobody here knows, as in Kubernetes.
  const socket = isTls ? tls.connect({ socket: connection, rejectUnauthorized: false }) : connection;
  const length =
    body.length > 0 || !['GET', 'HEAD', 'OPTIONS'].includes(method) ? { 'content-length': body.length } : {};
  const asked = { method, path, headers: { ...headers, ...length }, maxHeaderSize: MAX_HEADERS, setHost: false };
  const request = http.request({ ...asked, createConnection: () => socket });
  const late = setTimeout(() => request.destroy(new Error('net/http: timeout awaiting response headers')), FIRST_BYTE);
  const giveUp = () => connection.destroy();
  signal.addEventListener('abort', giveUp, { once: true });
  connection.on('error', (error) => request.destroy(error));
  connection.once('close', () => signal.removeEventListener('abort', giveUp));
  if (signal.aborted) giveUp();
  const answered = answerTo(request, headers.upgrade !== undefined);
  request.end(body);
  try {
    return await answered;
  } catch (error) {
    connection.destroy();
    throw unavailable(`error trying to reach service: ${messageOf(error)}`);
  } finally {
    clearTimeout(late);
  }
}

/** The answer to a request, once it begins. */
function answerTo(request: ClientRequest, isUpgrade: boolean): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  request.once('response', (message) => {
    const { statusCode = 0 } = message;
    // Nobody can be told such a status.
    if (statusCode < 200) reject(new Error(`malformed HTTP status code ${statusCode}`));
    else resolve({ message });
  });
  request.once('upgrade', (message, socket, head) => {
    if (isUpgrade) resolve({ message, upgraded: { socket, head } });
    else reject(new Error('the pod changes to a protocol nobody has asked for'));
  });
  request.on('error', reject);
  return promise;
}

/** The body of an answer, which ends when nothing comes for a long time, or when nobody takes it. */
export function bodyOf(message: IncomingMessage, connection: Duplex): Transform {
  const silent = () => body.destroy(new Error('the pod went silent'));
  let timer = setTimeout(silent, SILENCE).unref();
  const body = new Transform({
    transform(chunk, _encoding, done) {
      clearTimeout(timer);
      timer = setTimeout(silent, SILENCE).unref();
      done(null, chunk);
    },
  });
  // Whoever takes the body hears of it; when nobody does, it matters to nobody.
  body.on('error', () => {});
  body.once('close', () => {
    clearTimeout(timer);
    connection.destroy();
  });
  message.on('error', (error) => body.destroy(error));
  message.on('aborted', () => body.destroy(new Error('the pod broke off')));
  return message.pipe(body);
}

/** Status line and headers of an answer of HTTP/1.1. */
export function headText(
  { statusCode = 502, statusMessage = '' }: IncomingMessage,
  headers: IncomingHttpHeaders,
): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => `${name}: ${one}\r\n`),
  );
  return `HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join('')}\r\n`;
}
