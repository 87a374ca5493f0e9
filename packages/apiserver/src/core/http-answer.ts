import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { messageOf } from '@podwire/base';
import { statusOf } from '@podwire/kube';
import type { ApiResponse } from '../seam.ts';
import { compressed, compressor } from './compression.ts';
import type { Response } from './http-request.ts';
import { internalError } from './status.ts';

/** What was thrown, as the answer that says so. */
export function failed(error: unknown): ApiResponse {
  const status = statusOf(error) ?? statusOf(internalError(messageOf(error)));
  const seconds = status?.details?.retryAfterSeconds;
  const headers = seconds === undefined ? {} : { 'retry-after': String(seconds) };
  return { status: status?.code ?? 500, headers, body: status ?? {} };
}

/** Writes an answer, in gzip where it is worth while; of a stream what comes as it comes. */
export async function send(
  response: Response,
  { status, headers = {}, body, stream, isCompressible = false }: ApiResponse,
  acceptEncoding: string | undefined,
): Promise<void> {
  const isText = typeof body === 'string' || Buffer.isBuffer(body);
  const plain = stream ? undefined : bytesOf(body);
  const packed = plain && (await compressed(plain, acceptEncoding));
  if (response.destroyed || response.writableEnded) return void stream?.destroy();
  const bytes = packed ?? plain;
  const packing = isCompressible ? compressor(acceptEncoding) : undefined;
  const all = {
    'cache-control': 'no-cache, private',
    'content-type': isText ? 'text/plain' : 'application/json',
    ...(bytes ? { 'content-length': String(bytes.length) } : {}),
    ...(packed || packing ? { 'content-encoding': 'gzip', vary: 'Accept-Encoding' } : {}),
    ...headers,
  } as OutgoingHttpHeaders;
  (response as ServerResponse).writeHead(status, all);
  if (!stream) return void response.end(bytes ?? '');
  (response as ServerResponse).flushHeaders();
  const pieces = packing ? [stream, packing] : [stream];
  pipeline([...pieces, response as ServerResponse], () => stream.destroy());
}

function bytesOf(body: ApiResponse['body']): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
