/** Ctrl-C, kill, a closed terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The exit code of what was interrupted: 128 + SIGINT, as shells count. */
export const INTERRUPTED = 130;

export interface Interruption {
  readonly signal: AbortSignal;
  /** Rejects when interrupted; never resolves. */
  readonly happened: Promise<never>;
  /** What the work comes to, or a rejection when interrupted before. */
  before<T>(work: Promise<T>): Promise<T>;
  /** Gives the signals back their usual effect. */
  end(): void;
}

/** Until `end`, signals do not end this process, so that it can take back what it made; further ones change nothing. */
export function watchInterruption(): Interruption {
  const controller = new AbortController();
  const happened = Promise.withResolvers<never>();
  happened.promise.catch(() => {});
  const interrupt = (): void => {
    controller.abort();
    happened.reject(controller.signal.reason);
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  return {
    signal: controller.signal,
    happened: happened.promise,
    before: (work) => Promise.race([work, happened.promise]),
    end: () => {
      for (const name of SIGNALS) process.off(name, interrupt);
    },
  };
}
