import koffi from 'koffi';
import { checkCall, encodeError } from '../errors.ts';
import { F_DUPFD_CLOEXEC, libc } from '../libc.ts';
import { type Watch, watchOf, watchReadable } from '../socket/readable-watch.ts';
import type { BpfMap } from './map.ts';

const PROT = { READ: 1, WRITE: 2 } as const;
const MAP_SHARED = 1;
const HEADER = 8;
/** BPF_RINGBUF_BUSY_BIT and BPF_RINGBUF_DISCARD_BIT of a record's length. */
const BUSY = 1 << 31;
const DISCARD = 1 << 30;

/** The receiving end of a ring buffer. */
export interface Ringbuf {
  /** Gives out what is there and returns how many records that were; for use without `watch`. */
  drain(): number;
  /** Bytes that programs have written and nobody has read. */
  readonly pending: number;
  /** Stops and unmaps; the map stays open, and may be closed before. A second call does nothing. */
  close(): void;
  [Symbol.dispose](): void;
}

export interface RingbufOptions {
  /** Gets each record, in the order they were reserved; the bytes are the caller's to keep. It must not throw. */
  readonly onRecord: (record: Buffer) => void;
  /** Whether records are given out from the event loop as they come, which keeps the loop alive; default true. */
  readonly watch?: boolean;
}

/*
 *  page 0     page 1     pages 2..n      pages n..2n-2
 *  +--------+ +--------+ +-------------+ +--------------+
 *  |consumer| |producer| | records     | | the same once|   a record never wraps for the reader
 *  |position| |position| |             | | more         |
 *  +--------+ +--------+ +-------------+ +--------------+
 *  read/write  read only
 */

/**
 * Reads what programs write with `ringbuf_output` or `ringbuf_submit` (Linux 5.8), without copying through the kernel.
 * One reader at a time. Throws KERNEL_ENCODE for a map of another type.
 */
export function openRingbuf(map: BpfMap<Buffer, Buffer>, { onRecord, watch = true }: RingbufOptions): Ringbuf {
  if (map.type !== 'ringbuf') throw encodeError(`BPF ${map.label} as a ring buffer: it is of type ${map.type}`);
  const page = libc.getpagesize();
  const size = map.maxEntries;
  const consumer = share(map, { length: page, offset: 0, protection: PROT.READ | PROT.WRITE });
  const ring = shareOrUndo(map, { length: page + 2 * size, offset: page, protection: PROT.READ }, consumer);
  const reader = new RingReader(consumer.bytes, ring.bytes, { page, size });
  const drain = () => reader.drain(onRecord);
  const watching = watch ? watchCopy(map, drain) : undefined;
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    watching?.stop();
    reader.stop();
    for (const each of [consumer, ring]) libc.munmap(each.address, each.length);
  };
  return {
    drain: () => (open ? drain() : 0),
    get pending() {
      return open ? reader.pending : 0;
    },
    close,
    [Symbol.dispose]: close,
  };
}

/** Over a descriptor of its own: libuv aborts when one is watched twice, and the map may be closed meanwhile. */
function watchCopy(map: BpfMap<Buffer, Buffer>, drain: () => void): Watch {
  const fd = checkCall(libc.fcntl(map.fd, F_DUPFD_CLOEXEC, 0), () => `copy the descriptor of BPF ${map.label}`);
  const watch = watchReadable(fd, drain);
  return watchOf(() => {
    watch.stop();
    libc.close(fd);
  });
}

interface Share {
  readonly address: number;
  readonly length: number;
  readonly bytes: ArrayBuffer;
}

interface Region {
  readonly length: number;
  readonly offset: number;
  readonly protection: number;
}

function share(map: BpfMap<Buffer, Buffer>, { length, offset, protection }: Region): Share {
  const address = libc.mmap(0, length, protection, MAP_SHARED, map.fd, offset);
  checkCall(address, () => `mmap BPF ${map.label}`);
  return { address, length, bytes: koffi.view(address, length) };
}

function shareOrUndo(map: BpfMap<Buffer, Buffer>, region: Region, first: Share): Share {
  try {
    return share(map, region);
  } catch (error) {
    libc.munmap(first.address, first.length);
    throw error;
  }
}

/** Walks the records between the two positions; both only ever grow. */
class RingReader {
  readonly #consumer: BigUint64Array<ArrayBuffer>;
  readonly #producer: BigUint64Array<ArrayBuffer>;
  readonly #lengths: Int32Array<ArrayBuffer>;
  readonly #data: Buffer<ArrayBuffer>;
  readonly #mask: number;
  /** A record may close the ring buffer, and then its memory must not be touched any more. */
  #stopped = false;

  constructor(consumer: ArrayBuffer, ring: ArrayBuffer, { page, size }: { page: number; size: number }) {
    this.#consumer = new BigUint64Array(consumer, 0, 1);
    this.#producer = new BigUint64Array(ring, 0, 1);
    this.#lengths = new Int32Array(ring, page, (2 * size) / 4);
    this.#data = Buffer.from(ring, page, 2 * size);
    this.#mask = size - 1;
  }

  get pending(): number {
    return Number(Atomics.load(this.#producer, 0) - Atomics.load(this.#consumer, 0));
  }

  stop(): void {
    this.#stopped = true;
  }

  drain(onRecord: (record: Buffer) => void): number {
    let given = 0;
    let at = Number(Atomics.load(this.#consumer, 0));
    while (!this.#stopped && at < Number(Atomics.load(this.#producer, 0))) {
      const place = at & this.#mask;
      const header = Atomics.load(this.#lengths, place / 4);
      if (header & BUSY) return given; // reserved, not yet submitted
      const length = header & ~DISCARD;
      const record =
        header & DISCARD ? undefined : Buffer.from(this.#data.subarray(place + HEADER, place + HEADER + length));
      at += (HEADER + length + 7) & ~7;
      Atomics.store(this.#consumer, 0, BigInt(at));
      if (record === undefined) continue;
      given++;
      onRecord(record);
    }
    return given;
  }
}
