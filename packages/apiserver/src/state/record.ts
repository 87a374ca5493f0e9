import { crc32 } from 'node:zlib';

/** One change as it is kept on disk; without `object` the key was removed. */
export interface StateRecord {
  readonly kind: string;
  readonly key: string;
  readonly revision: number;
  readonly object?: unknown;
}

const HEADER = 8;
/** A length beyond this is damage: frames are cut at a few MiB, and one object is at most that long. */
const MAX_LENGTH = 64 * 1024 * 1024;

/** A record as JSON, with the object's text at hand. */
export function recordText({ kind, key, revision }: StateRecord, text: string | undefined): string {
  const object = text === undefined ? '' : `,"object":${text}`;
  return `{"kind":${JSON.stringify(kind)},"key":${JSON.stringify(key)},"revision":${revision}${object}}`;
}

/**
 * The bytes of records that are kept all or none: length of the payload and its CRC-32 (both 32 bits, little endian), then
 * the payload, a list as JSON.
 */
export function encodeFrame(records: readonly string[]): Buffer {
  const payload = Buffer.from(`[${records.join(',')}]`);
  const bytes = Buffer.allocUnsafe(HEADER + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt32LE(crc32(payload), 4);
  payload.copy(bytes, HEADER);
  return bytes;
}

export interface Decoded {
  readonly records: StateRecord[];
  /** Length of the sound part; what follows is no frame. */
  readonly soundBytes: number;
}

/** Reads frames until the end or the first one that is not whole. */
export function decodeFrames(bytes: Buffer): Decoded {
  const records: StateRecord[] = [];
  let at = 0;
  for (let end = frameEnd(bytes, at); end !== undefined; end = frameEnd(bytes, at)) {
    const content = JSON.parse(bytes.toString('utf8', at + HEADER, end)) as StateRecord | StateRecord[];
    // Frames of one record were not lists before.
    if (Array.isArray(content)) for (const record of content) records.push(record);
    else records.push(content);
    at = end;
  }
  return { records, soundBytes: at };
}

/**
 * Where a whole frame begins at or after the offset; undefined: nowhere. JSON has no zero bytes, which the length of a
 * frame always has, so none is found inside another one.
 */
export function findFrame(bytes: Buffer, from: number): number | undefined {
  for (let at = from; at + HEADER < bytes.length; at++) {
    if (frameEnd(bytes, at) !== undefined) return at;
  }
  return undefined;
}

function frameEnd(bytes: Buffer, at: number): number | undefined {
  if (at + HEADER > bytes.length) return undefined;
  const length = bytes.readUInt32LE(at);
  const end = at + HEADER + length;
  if (length === 0 || length > MAX_LENGTH || end > bytes.length) return undefined;
  return crc32(bytes.subarray(at + HEADER, end)) === bytes.readUInt32LE(at + 4) ? end : undefined;
}
