import { PodwireError } from '@podwire/base';
import { errnoName, errnoOf } from '../errno.ts';
import { lastErrno, libc } from '../libc.ts';
import { type DescriptorWatch, watchDescriptor } from '../socket/descriptor-watch.ts';

/** A super-frame, its Ethernet header and virtio's header. */
const LONGEST_FRAME = 65_536 + 64;
/** Frames taken in one turn of the event loop, so that timers and sockets get theirs. */
const FRAMES_IN_ONE_TURN = 256;

const EAGAIN = errnoOf('EAGAIN');
const EINTR = errnoOf('EINTR');
const EBADFD = errnoOf('EBADFD');
const EINVAL = errnoOf('EINVAL');

/**
 * One queue of a tun or tap link: what the kernel sends by the link is read here, what is written here the kernel
 * receives.
 *
 * Back-pressure: frames wait in the link's queue (`txqueuelen`, 500 frames) while nobody reads; more are dropped and counted
 * by the link. `close` is safe at any moment; every other call after it throws KERNEL_CLOSED.
 */
export interface TunQueue {
  /**
   * Where `read` puts a frame, again and again: with `vnetHeader` ten bytes of header, then the frame. Copy what you
   * keep.
   */
  readonly buffer: Buffer;
  /** Bytes in front of the frame: 10 with `vnetHeader`, else 0. */
  readonly headerSize: number;
  readonly fd: number;
  /** Takes the next frame into `buffer`: its bytes with the header, 0 when there is none, -77 (EBADFD) when the link is gone. */
  read(): number;
  /**
   * Gives the first `length` bytes of `frame`, header included, to the kernel. Returns `length`, 0 when there is no room
   * now, or a negative errno: -22 (EINVAL) for what is no frame, -5 (EIO) when the link is down, -77 (EBADFD) when it is
   * gone.
   */
  write(frame: Uint8Array, length?: number): number;
  /** No more callbacks until `resume`. */
  pause(): void;
  resume(): void;
}

export interface TunEvents {
  /** A frame of `length` bytes, header included, is in `queue.buffer`. Absent: call `read` yourself. */
  readonly onFrame?: (queue: TunQueue, length: number) => void;
  /** The queue can be read no more: `EBADFD` when somebody removed the link. Close the Tun then. Default: ignored. */
  readonly onError?: (errnoName: string, queue: TunQueue) => void;
}

export class FrameQueue implements TunQueue {
  readonly buffer = Buffer.allocUnsafeSlow(LONGEST_FRAME);
  readonly headerSize: number;
  readonly #fd: number;
  readonly #name: string;
  readonly #events: TunEvents;
  readonly #watch: DescriptorWatch | undefined;
  #open = true;
  #paused = false;

  constructor(fd: number, name: string, headerSize: number, events: TunEvents) {
    this.#fd = fd;
    this.#name = name;
    this.headerSize = headerSize;
    this.#events = events;
    if (events.onFrame) this.#watch = watchDescriptor(fd, { onReadable: () => this.#drain() });
  }

  get fd(): number {
    this.#ensureOpen();
    return this.#fd;
  }

  #ensureOpen(): void {
    if (!this.#open) throw new PodwireError('KERNEL_CLOSED', `the link ${this.#name} is closed; open another`);
  }

  #drain(): void {
    for (let turn = 0; turn < FRAMES_IN_ONE_TURN && this.#open && !this.#paused; turn++) {
      const length = this.read();
      if (length === 0) return;
      if (length > 0) this.#events.onFrame?.(this, length);
      else {
        // the descriptor stays in error for good, and would call back again and again
        if (length === -EBADFD) this.#watch?.wantReadable(false);
        this.#events.onError?.(errnoName(-length), this);
        return;
      }
    }
  }

  read(): number {
    const { fd } = this;
    for (;;) {
      const length = libc.read(fd, this.buffer, this.buffer.length);
      if (length >= 0) return length;
      const errno = lastErrno();
      if (errno === EAGAIN) return 0;
      if (errno !== EINTR) return -errno;
    }
  }

  write(frame: Uint8Array, length = frame.length): number {
    const { fd } = this;
    // the kernel would read beyond the buffer and send what it finds there
    if (!(length >= 0 && length <= frame.length)) return -EINVAL;
    for (;;) {
      const written = libc.write(fd, frame, length);
      if (written >= 0) return written;
      const errno = lastErrno();
      if (errno === EAGAIN) return 0;
      if (errno !== EINTR) return -errno;
    }
  }

  pause(): void {
    this.#ensureOpen();
    this.#paused = true;
    this.#watch?.wantReadable(false);
  }

  resume(): void {
    this.#ensureOpen();
    this.#paused = false;
    this.#watch?.wantReadable(true);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch?.stop();
    libc.close(this.#fd);
  }
}
