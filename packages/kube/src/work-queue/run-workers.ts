import type { WorkQueue } from './work-queue.ts';

export interface WorkersOptions {
  /** Brings the object of this key to its desired state; resolves to ms after which to look again, if any. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<number | undefined>;
  /** Keys worked on at once. Default 1. */
  readonly concurrency?: number;
  /** Told of each failure, the key being put off already; `retries` counts this one. Not after the queue is shut down. */
  readonly onFailure?: (key: string, error: unknown, retries: number) => void;
  /** Ends it: what waits is dropped, what is in work is waited for. Default: never. */
  readonly signal?: AbortSignal;
}

/**
 * Works through a queue until it is shut down. A key whose work fails is tried again with backoff, one whose work succeeds
 * is forgotten. Resolves when all work has ended.
 */
export async function runWorkers(queue: WorkQueue, options: WorkersOptions): Promise<void> {
  const { concurrency = 1, signal = new AbortController().signal } = options;
  const stop = (): void => void queue.shutDown();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await Promise.all(Array.from({ length: concurrency }, () => work(queue, options, signal)));
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function work(queue: WorkQueue, { reconcile, onFailure }: WorkersOptions, signal: AbortSignal): Promise<void> {
  for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
    try {
      const again = await reconcile(key, signal);
      queue.forget(key);
      if (again !== undefined) queue.addAfter(key, again);
    } catch (error) {
      if (queue.isShutDown) continue;
      queue.addRateLimited(key);
      onFailure?.(key, error, queue.retries(key));
    } finally {
      queue.done(key);
    }
  }
}
