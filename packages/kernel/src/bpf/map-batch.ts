import { errnoOf } from '../errno.ts';
import { KernelError } from '../errors.ts';
import { answered, bpfError, tryBpf } from './bpf-call.ts';
import { BATCH } from './bpf-command.ts';
import { type Element, encodeAll } from './element.ts';

/** What the batch commands need to know of a map. */
export interface BatchMap<K, V> {
  readonly fd: number;
  readonly label: string;
  readonly key: Element<K>;
  readonly value: Element<V>;
  readonly maxEntries: number;
}

/** Elements for one system call, and how many bytes they may have. */
const CHUNK = 16_384;
const CHUNK_BYTES = 8 * 1024 * 1024;
const [ENOENT, ENOSPC, EINVAL, EINTR, EPERM, ENOTSUPP] = [
  'ENOENT',
  'ENOSPC',
  'EINVAL',
  'EINTR',
  'EPERM',
  'ENOTSUPP',
].map((name) => -errnoOf(name));

/** The command is unknown (before Linux 5.6) or not made for this type of map. */
function isUnsupported(result: number): boolean {
  return result === ENOTSUPP || result === EINVAL;
}

function chunkOf<K, V>({ key, value }: BatchMap<K, V>): number {
  return Math.max(1, Math.min(CHUNK, Math.floor(CHUNK_BYTES / (key.size + value.size))));
}

/** How many of a batch were done before the kernel stopped; it leaves the number alone when it did not even begin. */
function done(command: (typeof BATCH)[keyof typeof BATCH], asked: number): number {
  const count = answered(command, 'count');
  return count === asked ? 0 : count;
}

/** Why the kernel did not write; EPERM is not about capabilities here. */
export function writeError(op: string, result: number, index?: number): KernelError {
  if (result === EPERM)
    return new KernelError(
      { op, errno: -result, index, advice: 'the map is frozen or was made read-only' },
      'KERNEL_CALL',
    );
  return bpfError(op, -result, { index });
}

/** False when the kernel cannot; then nothing was written. */
export function updateBatch<K, V>(map: BatchMap<K, V>, entries: readonly (readonly [K, V])[]): boolean {
  const step = chunkOf(map);
  for (let at = 0; at < entries.length; at += step) {
    const chunk = entries.slice(at, at + step);
    const keys = encodeAll(
      map.key,
      chunk.map(([key]) => key),
    );
    const values = encodeAll(
      map.value,
      chunk.map(([, value]) => value),
    );
    if (!writeChunk(map, { keys, values, count: chunk.length }, { at, of: entries.length })) return false;
  }
  return true;
}

/** As `updateBatch`, of `count` keys and values that are encoded already. */
export function updateBytes<K, V>(map: BatchMap<K, V>, { keys, values, count }: Chunk): boolean {
  const step = chunkOf(map);
  const { size: keySize } = map.key;
  const { size: valueSize } = map.value;
  for (let at = 0; at < count; at += step) {
    const end = Math.min(at + step, count);
    const chunk = {
      keys: keys.subarray(at * keySize, end * keySize),
      values: values.subarray(at * valueSize, end * valueSize),
      count: end - at,
    };
    if (!writeChunk(map, chunk, { at, of: count })) return false;
  }
  return true;
}

interface Chunk {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  readonly count: number;
}

function writeChunk<K, V>(map: BatchMap<K, V>, chunk: Chunk, { at, of }: { at: number; of: number }): boolean {
  const result = tryBpf(BATCH.UPDATE, { mapFd: map.fd, ...chunk });
  if (result >= 0) return true;
  const index = at + done(BATCH.UPDATE, chunk.count);
  if (index === 0 && isUnsupported(result)) return false;
  throw writeError(`update element ${index} of ${of} in BPF ${map.label}`, result, index);
}

/** How many of the keys were there; undefined when the kernel cannot. */
export function deleteBatch<K, V>(map: BatchMap<K, V>, keys: readonly K[]): number | undefined {
  const bytes = encodeAll(map.key, keys);
  const step = chunkOf(map);
  let deleted = 0;
  for (let at = 0; at < keys.length; ) {
    const count = Math.min(keys.length - at, step);
    const rest = bytes.subarray(at * map.key.size);
    const result = tryBpf(BATCH.DELETE, { mapFd: map.fd, keys: rest, count });
    const gone = result >= 0 ? count : done(BATCH.DELETE, count);
    deleted += gone;
    at += gone;
    if (result >= 0) continue;
    if (result === ENOENT) at += 1;
    else if (at === 0 && isUnsupported(result)) return undefined;
    else throw writeError(`delete element ${at} of ${keys.length} in BPF ${map.label}`, result, at);
  }
  return deleted;
}

/**
 * All elements, as many at a time as the kernel gives, read (and with LOOKUP_AND_DELETE removed) without walking from
 * key to key. Returns false when the kernel cannot.
 */
export function* readBatches<K, V>(
  map: BatchMap<K, V>,
  command: typeof BATCH.LOOKUP | typeof BATCH.LOOKUP_AND_DELETE = BATCH.LOOKUP,
): Generator<[K, V][], boolean> {
  let size = Math.min(Math.max(map.maxEntries, 1), chunkOf(map));
  let inBatch: Buffer | undefined;
  let interruptions = 0;
  for (;;) {
    const keys = Buffer.allocUnsafeSlow(size * map.key.size);
    const values = Buffer.allocUnsafeSlow(size * map.value.size);
    const outBatch = Buffer.alloc(Math.max(map.key.size, 4));
    const result = tryBpf(command, { mapFd: map.fd, inBatch, outBatch, keys, values, count: size });
    const count = answered(command, 'count');
    if (result === ENOSPC) {
      size *= 2; // a bucket of the hash table holds more than that
    } else if (result === EINTR && interruptions++ < 100) {
      // the map changed under the walk: the same place again
    } else if (result >= 0 || result === ENOENT) {
      yield decodeEntries(map, { keys, values, count });
      if (result === ENOENT) return true;
      inBatch = outBatch;
    } else if (inBatch === undefined && isUnsupported(result)) {
      return false;
    } else {
      throw new KernelError({ op: `read BPF ${map.label}`, errno: -result });
    }
  }
}

function decodeEntries<K, V>(
  { key, value }: BatchMap<K, V>,
  { keys, values, count }: { keys: Buffer; values: Buffer; count: number },
): [K, V][] {
  return Array.from({ length: count }, (_, i) => [
    key.read(keys.subarray(i * key.size, (i + 1) * key.size)),
    value.read(values.subarray(i * value.size, (i + 1) * value.size)),
  ]);
}
