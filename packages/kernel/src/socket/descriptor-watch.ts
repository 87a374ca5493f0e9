import { isMainThread } from 'node:worker_threads';
import koffi from 'koffi';
import { errnoOf } from '../errno.ts';
import { KernelError } from '../errors.ts';

export interface Watch extends Disposable {
  /** To be called before the descriptor is closed. A second call does nothing. `using` does it too. */
  stop(): void;
}

export interface DescriptorEvents {
  /** The descriptor has something to read, or an error to collect; must read until EAGAIN or be called again. */
  readonly onReadable: () => void;
  /** There is room to write again; only called while `wantWritable(true)` holds. */
  readonly onWritable?: () => void;
}

/** What the event loop waits for on one descriptor; libuv allows one watch for each. */
export interface DescriptorWatch extends Watch {
  wantReadable(wanted: boolean): void;
  wantWritable(wanted: boolean): void;
  /** Whether the watch keeps the event loop alive; it does at first. */
  keepAlive(keep: boolean): void;
}

type PollHandle = ReturnType<typeof koffi.node.poll>;

/** What koffi reports: an error as a number, or what the descriptor is ready for. */
type PollEvent = number | { readonly readable: boolean; readonly writable: boolean };

/** A worker that ends while koffi watches takes the whole process down with it, so that its watches must end first. */
const active = new Set<Watch>();
/** The descriptors that this thread watches: libuv ends the process when one is watched twice. */
const watched = new Set<number>();
if (!isMainThread) {
  process.once('exit', () => {
    for (const watch of active) watch.stop();
  });
}

class Poll implements DescriptorWatch {
  readonly #fd: number;
  readonly #handle: PollHandle;
  readonly #events: DescriptorEvents;
  #readable = true;
  #writable = false;
  #stopped = false;
  #event: PollEvent = 0;

  constructor(fd: number, events: DescriptorEvents) {
    this.#fd = fd;
    this.#events = events;
    this.#handle = koffi.node.poll(fd, { readable: true }, this.#onEvent);
    active.add(this);
    watched.add(fd);
  }

  /**
   * Only notes what happened. The work is done right after, in the same turn of the loop, where Node calls: an error thrown
   * there ends a worker as any other error does, while one thrown to koffi would hang it.
   */
  readonly #onEvent = (event: unknown): void => {
    this.#event = event as PollEvent;
    setImmediate(this.#onTurn);
  };

  readonly #onTurn = (): void => {
    const event = this.#event;
    const failed = typeof event === 'number';
    const readable = failed || event.readable;
    const writable = failed || event.writable;
    try {
      if (readable && this.#readable && !this.#stopped) this.#events.onReadable();
      if (writable && this.#writable && !this.#stopped) this.#events.onWritable?.();
    } finally {
      // libuv stops the handle after an error on the socket (overflow, link down) and calls back with a number
      if (failed) this.#update();
    }
  };

  #update(): void {
    if (this.#stopped) return;
    if (this.#readable || this.#writable) {
      this.#handle.start({ readable: this.#readable, writable: this.#writable }, this.#onEvent);
    } else this.#handle.stop();
  }

  wantReadable(wanted: boolean): void {
    if (this.#readable === wanted) return;
    this.#readable = wanted;
    this.#update();
  }

  wantWritable(wanted: boolean): void {
    if (this.#writable === wanted) return;
    this.#writable = wanted;
    this.#update();
  }

  keepAlive(keep: boolean): void {
    if (this.#stopped) return;
    if (keep) this.#handle.ref();
    else this.#handle.unref();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    active.delete(this);
    watched.delete(this.#fd);
    this.#handle.stop(); // before close: the other order crashes
    this.#handle.close();
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/**
 * Calls back from the event loop as the descriptor becomes readable or writable. Level-triggered, never busy. In a worker the
 * watch ends by itself on process.exit() and on an uncaught error, but not on `worker.terminate()`, which kills the process: let the
 * thread call process.exit() instead. Throws KernelError, EBUSY, when the thread watches the descriptor already.
 */
export function watchDescriptor(fd: number, events: DescriptorEvents): DescriptorWatch {
  if (!watched.has(fd)) return new Poll(fd, events);
  const advice = 'this thread watches it already: stop that watch first, or watch a copy (fcntl F_DUPFD_CLOEXEC)';
  throw new KernelError({ op: `watch descriptor ${fd}`, errno: errnoOf('EBUSY'), advice });
}
