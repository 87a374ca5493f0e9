import koffi from 'koffi';
import { errnoOf } from '../errno.ts';
import { lastErrno, libc, MSG } from '../libc.ts';

/** struct mmsghdr, struct iovec (x86-64 and arm64), and room for any socket address and the control messages asked for. */
const HEADER_SIZE = 64;
const IOVEC_SIZE = 16;
export const NAME_SIZE = 32;
export const CONTROL_SIZE = 96;
const BYTES_AHEAD = HEADER_SIZE + IOVEC_SIZE + NAME_SIZE + CONTROL_SIZE;

/** 32-bit words of struct mmsghdr: msg_namelen, msg_controllen, msg_flags, msg_len; and of struct iovec: iov_len. */
const HEADER_WORDS = HEADER_SIZE / 4;
const WORD = { nameLength: 2, controlLength: 10, flags: 12, length: 14 } as const;
const IOVEC_WORDS = IOVEC_SIZE / 4;
const IOV_LEN = 2;

const EAGAIN = errnoOf('EAGAIN');
const EINTR = errnoOf('EINTR');

/** What the kernel knows by raw address only must be reachable from here while a call runs, or it may be collected. */
const inCall: { batch: MessageBatch | undefined } = { batch: undefined };

/**
 * The memory of `count` messages for recvmmsg(2) and sendmmsg(2), in one piece that never moves:
 *
 *     mmsghdr x count │ iovec x count │ socket addresses │ control messages │ data, `size` bytes each
 *          └──────────────▶ └──────────────────────────────────────────────────▶
 */
export class MessageBatch {
  readonly count: number;
  readonly size: number;
  readonly data: Buffer;
  readonly names: Buffer;
  readonly control: DataView;
  readonly #headers: Uint8Array;
  readonly #words: Uint32Array;
  readonly #iovecs: Uint32Array;

  constructor(count: number, size: number) {
    this.count = count;
    this.size = size;
    const memory = new ArrayBuffer(count * (BYTES_AHEAD + size));
    let at = 0;
    const take = (bytes: number) => {
      at += bytes * count;
      return at - bytes * count;
    };
    const [headers, iovecs, names, control, data] = [HEADER_SIZE, IOVEC_SIZE, NAME_SIZE, CONTROL_SIZE, size].map(
      take,
    ) as [number, number, number, number, number];
    this.#headers = new Uint8Array(memory);
    this.#words = new Uint32Array(memory, headers, count * HEADER_WORDS);
    this.#iovecs = new Uint32Array(memory, iovecs, count * IOVEC_WORDS);
    this.names = Buffer.from(memory, names, count * NAME_SIZE);
    this.control = new DataView(memory, control, count * CONTROL_SIZE);
    this.data = Buffer.from(memory, data, count * size);
    this.#wire(koffi.address(this.#headers), { headers, iovecs, names, control, data });
  }

  #wire(base: bigint, at: Record<'headers' | 'iovecs' | 'names' | 'control' | 'data', number>): void {
    const view = new DataView(this.#headers.buffer);
    const pointer = (where: number, target: number) => view.setBigUint64(where, base + BigInt(target), true);
    for (let i = 0; i < this.count; i++) {
      const header = at.headers + i * HEADER_SIZE;
      const iovec = at.iovecs + i * IOVEC_SIZE;
      pointer(header, at.names + i * NAME_SIZE);
      pointer(header + 16, iovec);
      view.setBigUint64(header + 24, 1n, true);
      pointer(header + 32, at.control + i * CONTROL_SIZE);
      pointer(iovec, at.data + i * this.size);
    }
  }

  /** Received bytes of message `i`. */
  lengthOf(i: number): number {
    return this.#words[i * HEADER_WORDS + WORD.length] ?? 0;
  }

  flagsOf(i: number): number {
    return this.#words[i * HEADER_WORDS + WORD.flags] ?? 0;
  }

  nameLengthOf(i: number): number {
    return this.#words[i * HEADER_WORDS + WORD.nameLength] ?? 0;
  }

  controlLengthOf(i: number): number {
    return this.#words[i * HEADER_WORDS + WORD.controlLength] ?? 0;
  }

  /** What sendmmsg takes for message `i`. */
  setLengths(i: number, data: number, name: number, control: number): void {
    this.#iovecs[i * IOVEC_WORDS + IOV_LEN] = data;
    this.#words[i * HEADER_WORDS + WORD.nameLength] = name;
    this.#words[i * HEADER_WORDS + WORD.controlLength] = control;
  }

  /** Takes what is there, without waiting: how many messages, 0 when there are none, or a negative errno. */
  receive(fd: number, control: boolean): number {
    const controlSize = control ? CONTROL_SIZE : 0;
    for (let i = 0; i < this.count; i++) this.setLengths(i, this.size, NAME_SIZE, controlSize);
    inCall.batch = this;
    for (;;) {
      const n = libc.recvmmsg(fd, this.#headers, this.count, MSG.DONTWAIT, null);
      if (n >= 0) return n;
      const errno = lastErrno();
      if (errno === EAGAIN) return 0;
      if (errno !== EINTR) return -errno;
    }
  }

  /**
   * Sends messages `from` to `to` (exclusive), whose lengths were set, without waiting: how many the kernel took, 0
   * when its buffer is full, or the negative errno of the first.
   */
  send(fd: number, from: number, to: number): number {
    inCall.batch = this;
    const headers = from === 0 ? this.#headers : this.#headers.subarray(from * HEADER_SIZE);
    for (;;) {
      const n = libc.sendmmsg(fd, headers, to - from, MSG.DONTWAIT);
      if (n >= 0) return n;
      const errno = lastErrno();
      if (errno === EAGAIN) return 0;
      if (errno !== EINTR) return -errno;
    }
  }
}
