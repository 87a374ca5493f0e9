import { type Watch, watchDescriptor } from './descriptor-watch.ts';

export type { Watch } from './descriptor-watch.ts';

/** A watch that ends by a call of `stop`, which has to bear a second one. */
export function watchOf(stop: () => void): Watch {
  return { stop, [Symbol.dispose]: stop };
}

/**
 * Calls `drain` from the event loop whenever the descriptor is readable or has an error; it must read until EAGAIN. The
 * watch keeps the event loop alive.
 */
export function watchReadable(fd: number, drain: () => void): Watch {
  return watchDescriptor(fd, { onReadable: drain });
}
