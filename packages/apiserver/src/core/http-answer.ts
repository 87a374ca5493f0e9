import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { pipeline, type Transform, type Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
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
  { status, headers = {}, body, stream, chunks }: ApiResponse,
  acceptEncoding: string | undefined,
): Promise<void> {
  const isText = typeof body === 'string' || Buffer.isBuffer(body);
  const plain = stream || chunks ? undefined : bytesOf(body);
  const packed = plain && (await compressed(plain, acceptEncoding));
  if (response.destroyed || response.writableEnded) return void stream?.destroy();
  const bytes = packed ?? plain;
  const packing = chunks && compressor(acceptEncoding);
  const all = {
    'cache-control': 'no-cache, private',
    'content-type': isText ? 'text/plain' : 'application/json',
    ...(bytes ? { 'content-length': String(bytes.length) } : {}),
    ...(packed || packing ? { 'content-encoding': 'gzip', vary: 'Accept-Encoding' } : {}),
    ...headers,
  } as OutgoingHttpHeaders;
  const sink = response as ServerResponse;
  try {
    sink.writeHead(status, all);
  } catch (error) {
    stream?.destroy();
    throw error;
  }
  if (chunks) return sendChunks(chunks, packing ? pipedInto(sink, packing) : sink);
  if (!stream) return void sink.end(bytes ?? '');
  sink.flushHeaders();
  pipeline(stream, sink, () => stream.destroy());
}

/** One after another: the next may take the memory of the one before, and others get their turn in between. */
async function sendChunks(chunks: Iterable<Buffer>, sink: Writable): Promise<void> {
  for (const chunk of chunks) {
    if (sink.destroyed || !(await isTaken(chunk, sink))) return;
    await setImmediate();
  }
  sink.end();
}

/** Once the connection has taken the bytes, or is gone. */
function isTaken(chunk: Buffer, sink: Writable): Promise<boolean> {
  return new Promise((resolve) => sink.write(chunk, (error) => resolve(!error)));
}

function pipedInto(response: Writable, packing: Transform): Writable {
  pipeline(packing, response, () => packing.destroy());
  return packing;
}

function bytesOf(body: ApiResponse['body']): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
