/** Time as the client sees it, so that tests need not wait. */
export interface Clock {
  /** Milliseconds that only go forward. */
  now(): number;
  /** Resolves after that many ms, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.max(ms, 0));
      signal?.addEventListener('abort', finish, { once: true });
    }),
};

/** Time that calls back. */
export interface TimerClock {
  /** In ms, since whenever. */
  now(): number;
  /** Calls once when so many ms have passed; the function returned calls it off. */
  after(ms: number, act: () => void): () => void;
}

export const systemTimers: TimerClock = {
  now: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
};
