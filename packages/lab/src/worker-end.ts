import type { Worker } from 'node:worker_threads';

/** Milliseconds a thread has to end after it was asked to. */
const PATIENCE = 5000;

/**
 * Ends a thread by asking it to call process.exit(), and waits until it has, at most `patience` ms. False: it has not; from then
 * on it does not keep the process alive and ends with it. Not `worker.terminate()`, which takes the whole process down while
 * the thread watches a descriptor through koffi; on exit() the watches are stopped first.
 */
export async function endWorker(worker: Worker, ask: () => void, patience = PATIENCE): Promise<boolean> {
  if (worker.threadId === -1) return true; // it has ended already
  const end = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => end.resolve(false), patience);
  worker.once('exit', () => end.resolve(true));
  ask();
  const hasEnded = await end.promise;
  clearTimeout(timer);
  if (!hasEnded) worker.unref();
  return hasEnded;
}
