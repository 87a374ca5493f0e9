import koffi from 'koffi';

export interface Watch {
  /** To be called before the descriptor is closed. A second call does nothing. */
  stop(): void;
}

/**
 * Calls `drain` from the event loop whenever the descriptor is readable or has an error; it must read until EAGAIN. The
 * watch keeps the event loop alive.
 */
export function watchReadable(fd: number, drain: () => void): Watch {
  let stopped = false;
  const onEvent = (event: unknown): void => {
    drain();
    // libuv stops the handle after an error on the socket (overflow, link down) and calls back with a number
    if (!stopped && typeof event === 'number') poll.start({ readable: true }, onEvent);
  };
  const poll = koffi.node.poll(fd, { readable: true }, onEvent);
  return {
    stop() {
      if (stopped) return;
      stopped = true;
      poll.stop();
      poll.close();
    },
  };
}
