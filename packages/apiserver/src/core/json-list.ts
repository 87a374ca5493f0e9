import { Readable } from 'node:stream';
import type { ApiResponse } from '../seam.ts';

/** Lists shorter than this are sent whole. */
const CHUNK = 128 * 1024;
const TYPE = { 'content-type': 'application/json' };
const COMMA = Buffer.from(',');
const END = Buffer.from(']}\n');

/**
 * Answers a list whose items are made into bytes as the client takes them, so that a long list neither holds up others
 * nor is in memory as a whole. `head`: all of the list but its items. `render`: bytes that need to last for this turn only.
 */
export function listResponse<T>(head: object, items: Iterable<T>, render: (item: T) => Buffer): ApiResponse {
  const chunks = listChunks(head, items, render);
  const first = chunks.next().value ?? Buffer.alloc(0);
  const second = chunks.next().value;
  if (!second) return { status: 200, headers: TYPE, body: first };
  return {
    status: 200,
    headers: TYPE,
    stream: Readable.from(following([first, second], chunks), { objectMode: false }),
    isCompressible: true,
  };
}

function* following(first: readonly Buffer[], rest: Iterable<Buffer>): Generator<Buffer> {
  yield* first;
  yield* rest;
}

function* listChunks<T>(head: object, items: Iterable<T>, render: (item: T) => Buffer): Generator<Buffer> {
  let pieces: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  let length = 0;
  for (const one of items) {
    if (length >= CHUNK) {
      yield Buffer.concat(pieces);
      [pieces, length] = [[COMMA], 0];
    } else if (length > 0) pieces.push(COMMA);
    const item = render(one);
    pieces.push(item);
    length += item.length;
  }
  yield Buffer.concat([...pieces, END]);
}
