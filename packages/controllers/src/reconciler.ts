import { type Logger, messageOf } from '@podwire/base';
import { runWorkers, WorkQueue } from '@podwire/kube';
import { type Clock, systemClock } from './clock.ts';

export interface ReconcilerParts {
  readonly name: string;
  /** Brings the object of this key to its desired state; resolves to ms after which to look again, if any. */
  readonly reconcile: (key: string) => Promise<number | undefined>;
  readonly logger: Logger;
  /** What later looks are timed by; retries after failures are always in real time. */
  readonly clock?: Clock | undefined;
}

const LIMITS = { waits: [50, 10_000], rate: { perSecond: 200, burst: 1000 } } as const;

/** Starts to work through the keys added to the queue it gives back, up to eight at once, until that is shut down. */
export function startReconciler({ name, reconcile, logger, clock = systemClock }: ReconcilerParts): WorkQueue {
  const queue = new WorkQueue({ clock, retryClock: systemClock, limits: LIMITS });
  const onFailure = (key: string, error: unknown, failures: number): void => {
    // A conflict is the normal way to learn that the cache was behind.
    const log = failures > 3 ? logger.error : logger.debug;
    log('reconcile failed, trying again', { controller: name, key, reason: messageOf(error), failures });
  };
  void runWorkers(queue, { reconcile, onFailure, concurrency: 8 });
  return queue;
}
