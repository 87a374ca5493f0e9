import type { ApiResponse } from '../seam.ts';

/** Lists shorter than this are sent whole. */
const CHUNK = 128 * 1024;
/** Chunks without a list are kept for the next ones, at most so many. */
const MOST_SPARE = 8;
const TYPE = { 'content-type': 'application/json' };
const COMMA = Buffer.from(',');
const END = Buffer.from(']}\n');

const spare: Buffer[] = [];

/**
 * Answers a list whose items are made into bytes as the client takes them, so that a long list neither holds up others
 * nor is in memory as a whole. `head`: all of the list but its items. `render`: bytes that need to last for this turn only.
 */
export function listResponse<T>(head: object, items: Iterable<T>, render: (item: T) => Buffer): ApiResponse {
  const chunk = spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
  const chunks = filled(chunk, listPieces(head, items, render));
  const first = chunks.next().value ?? chunk;
  if (first.length === CHUNK) return { status: 200, headers: TYPE, chunks: following(first, chunks) };
  const body = Buffer.from(first);
  giveBack(chunk);
  return { status: 200, headers: TYPE, body };
}

function* listPieces<T>(head: object, items: Iterable<T>, render: (item: T) => Buffer): Generator<Buffer, void> {
  yield Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`);
  let isFirst = true;
  for (const one of items) {
    if (!isFirst) yield COMMA;
    isFirst = false;
    yield render(one);
  }
  yield END;
}

/** The pieces in one chunk that is filled again and again: only the last time not to its end. */
function* filled(chunk: Buffer, pieces: Iterable<Buffer>): Generator<Buffer, void> {
  let length = 0;
  for (const piece of pieces) {
    let taken = piece.copy(chunk, length);
    length += taken;
    if (taken === piece.length) continue;
    // The piece may be gone when it is somebody's turn again.
    for (const rest = Buffer.from(piece.subarray(taken)), from = taken; taken < piece.length; taken += length) {
      yield chunk;
      length = rest.copy(chunk, 0, taken - from);
    }
  }
  yield chunk.subarray(0, length);
}

function* following(first: Buffer, rest: Iterable<Buffer>): Generator<Buffer, void> {
  yield first;
  yield* rest;
  giveBack(first);
}

function giveBack(chunk: Buffer): void {
  if (spare.length < MOST_SPARE) spare.push(chunk);
}
