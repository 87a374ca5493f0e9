import { crc32 } from 'node:zlib';

/** One change as it is kept on disk; without `object` the key was removed. */
export interface StateRecord {
  readonly kind: string;
  readonly key: string;
  readonly revision: number;
  readonly object?: unknown;
}

const HEADER = 8;
/** A length beyond this is damage, not a record: objects are at most a few MiB. */
const MAX_LENGTH = 64 * 1024 * 1024;

/** Bytes of a record: length of the payload and its CRC-32 (both 32 bits, little endian), then the payload as JSON. */
export function encodeRecord(record: StateRecord): Buffer {
  const payload = Buffer.from(JSON.stringify(record));
  const bytes = Buffer.allocUnsafe(HEADER + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt32LE(crc32(payload), 4);
  payload.copy(bytes, HEADER);
  return bytes;
}

export interface Decoded {
  readonly records: StateRecord[];
  /** Length of the sound part; what follows is a torn write. */
  readonly soundBytes: number;
}

/** Reads records until the end or the first one that is not whole. */
export function decodeRecords(bytes: Buffer): Decoded {
  const records: StateRecord[] = [];
  let at = 0;
  while (at + HEADER <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const end = at + HEADER + length;
    if (length === 0 || length > MAX_LENGTH || end > bytes.length) break;
    const payload = bytes.subarray(at + HEADER, end);
    if (crc32(payload) !== bytes.readUInt32LE(at + 4)) break;
    records.push(JSON.parse(payload.toString('utf8')));
    at = end;
  }
  return { records, soundBytes: at };
}
