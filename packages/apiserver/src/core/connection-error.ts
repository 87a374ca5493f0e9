import type { Duplex } from 'node:stream';
import type { Status } from 'kubernetes-types/meta/v1.js';
import { http } from './node-http.ts';

/** What Node reports of a connection whose HTTP/1.1 cannot be read, as an answer. */
const ANSWERS: Readonly<Record<string, readonly [code: number, reason: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'BadRequest', 'the header of the request is too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Timeout', 'Timeout: the request did not arrive in time'],
};
const MALFORMED = [400, 'BadRequest', 'the request is not HTTP'] as const;

/** Answers with a Status if anybody still listens, and closes. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [code, reason, message] = ANSWERS[error.code ?? ''] ?? MALFORMED;
  socket.end(statusText({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }));
  // Who does not take the answer is not waited for.
  setTimeout(() => socket.destroy(), 1000).unref();
}

/** An answer of HTTP/1.1 that ends the connection. */
export function statusText(status: Status): string {
  const text = JSON.stringify(status);
  const { code = 500 } = status;
  const lines = [
    `HTTP/1.1 ${code} ${http.STATUS_CODES[code]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}
